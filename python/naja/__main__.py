"""python -m naja: what this machine has and what naja found on it; environment variables; the cache of compiled code."""
import argparse
import sys


def _print_info(args):
    from .inspect import info_lines
    for heading, rows in info_lines():
        print(heading)
        for name, value in rows:
            if value not in (None, ""):
                print(f"  {name:<12} {value}")
    return 0


def _print_variables(args):
    import os
    from . import _naja
    for name, help in _naja.variables():
        value = os.environ.get(name)
        print(f"  {name:<18} {help}" + ("" if value is None else f"  [{value}]"))
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m naja",
                                     description="naja compiles Python functions to native code and GPU kernels.")
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    info = commands.add_parser("info", help="versions, CPU, threads, libraries found and where, devices")
    info.set_defaults(run=_print_info)
    variables = commands.add_parser("variables", help="environment variables that naja reads, and [what they are set to]")
    variables.set_defaults(run=_print_variables)
    from .cache import add_commands
    add_commands(commands)
    return parser


def _drop_output():
    """What cannot be written would be complained of again at exit."""
    import os
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv=None):
    """The command line; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.version:
        from . import __version__
        print(__version__)
        return 0
    if not hasattr(args, "run"):
        parser.print_help()
        return 2
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")      # a name in Greek, a terminal that knows ASCII
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:              # `python -m naja cache list | head`
        _drop_output()
        return 1
    except OSError as e:                 # a full disk behind `>`, a folder whose name is too long
        print(f"python -m naja: {e}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return 1


if __name__ == "__main__":
    sys.exit(main())
