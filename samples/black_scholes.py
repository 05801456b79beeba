"""black_scholes.py - option prices by one scalar function on the three ufunc targets.

    python samples/black_scholes.py

Black and Scholes, "The Pricing of Options and Corporate Liabilities", JPE 81:637 (1973). The normal distribution is taken
from the error function: N(d) = erfc(-d / sqrt 2) / 2.
"""
import math
import time

import numpy as np

from naja import vectorize


def call_price(spot, strike, years, rate, volatility):
    """Price of a European call; money in the unit of spot, rate and volatility per year."""
    root = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / root
    d2 = d1 - root
    n1 = 0.5 * math.erfc(-d1 * 0.7071067811865476)
    n2 = 0.5 * math.erfc(-d2 * 0.7071067811865476)
    return spot * n1 - strike * math.exp(-rate * years) * n2


def main(n=200_000):
    rng = np.random.default_rng(3)
    spot, strike = rng.uniform(5, 30, n), rng.uniform(1, 100, n)
    years = rng.uniform(0.25, 10, n)
    prices = {}
    for target in ('cpu', 'parallel', 'cuda'):
        price = vectorize(['float64(float64, float64, float64, float64, float64)'], target=target)(call_price)
        price(spot, strike, years, 0.02, 0.3)
        start = time.perf_counter()
        prices[target] = np.asarray(price(spot, strike, years, 0.02, 0.3))
        print(f'black_scholes {target:<8}: {n} options in {(time.perf_counter() - start) * 1e3:.1f} ms')
    for i in range(0, n, n // 7):
        expected = call_price(spot[i], strike[i], years[i], 0.02, 0.3)
        for target, got in prices.items():
            assert math.isclose(got[i], expected, rel_tol=1e-9, abs_tol=1e-9), (target, i, got[i], expected)
    print('black_scholes: the three targets agree with plain Python')


if __name__ == '__main__':
    main()
