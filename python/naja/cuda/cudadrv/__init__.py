"""The names under which ported programs import devices' arrays and errors."""
