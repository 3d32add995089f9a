"""Writes black76.csv.zst: 10,000 options on futures and what they are worth, and regression.csv.

Black's formula of 1976 is evaluated with mpmath at 50 digits and differentiated by hand; every
price, delta, gamma and vega is compared here with QuantLib's BlackCalculator before it is written
(relative 1e-9, or 1e-10 of the price of the future: its normal distribution is a series). Lines
are ordinary least squares by mpmath, compared with scipy.stats.linregress.

SOURCE: mpmath 1.4.1, QuantLib 1.44, scipy 1.17.1, zstandard; python3 black76.py writes both files
beside itself, the same bytes each time.
"""

import math
import pathlib
import random

import QuantLib
import scipy.stats
import zstandard
from mpmath import erfc, exp, log, mp, mpf, pi, sqrt

mp.dps = 50
HERE = pathlib.Path(__file__).parent


def normal(x):
    return erfc(-x / sqrt(2)) / 2


def density(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def worth(sign, future, strike, years, volatility, rate):
    spread = volatility * sqrt(years)
    d1 = log(future / strike) / spread + spread / 2
    d2 = d1 - spread
    discount = exp(-rate * years)
    price = discount * sign * (future * normal(sign * d1) - strike * normal(sign * d2))
    dense = discount * density(d1)
    return [
        price,
        discount * sign * normal(sign * d1),
        dense / (future * spread),
        dense * future * sqrt(years),
        rate * price - dense * future * volatility / (2 * sqrt(years)),
    ]


def is_near(one, other, scale):
    return abs(one - other) <= 1e-9 * abs(one) + 1e-10 * scale


def options():
    random.seed(76)
    lines = ["right,future,strike,years,volatility,rate,price,delta,gamma,vega,theta"]
    while len(lines) <= 10_000:
        right = random.choice(["call", "put"])
        future = f"{10 ** random.uniform(-1, 5):.5g}"
        years = f"{10 ** random.uniform(-2.5, 1):.4g}"
        volatility = f"{10 ** random.uniform(-1.7, 0.3):.4g}"
        rate = f"{random.uniform(-0.01, 0.12):.4f}"
        spread = float(volatility) * math.sqrt(float(years))
        # Up to six standard deviations in or out of the money.
        strike = f"{float(future) * math.exp(random.uniform(-6, 6) * spread):.6g}"
        if not 1e-6 < float(strike) < 1e9 or "e" in future + years + volatility + strike:
            continue
        sign = 1 if right == "call" else -1
        inputs = [mpf(text) for text in (future, strike, years, volatility, rate)]
        values = worth(sign, *inputs)
        if values[0] < mpf("1e-12") * inputs[0]:
            continue
        kind = QuantLib.Option.Call if sign == 1 else QuantLib.Option.Put
        payoff = QuantLib.PlainVanillaPayoff(kind, float(strike))
        discount = math.exp(-float(rate) * float(years))
        theirs = QuantLib.BlackCalculator(payoff, float(future), spread, discount)
        # Their delta and gamma are by the future when it is the spot.
        scale = float(future)
        assert is_near(values[0], theirs.value(), scale), (inputs, values[0], theirs.value())
        assert is_near(values[1], theirs.deltaForward(), 1), (inputs, values[1])
        assert is_near(values[2], theirs.gammaForward(), 1 / scale), (inputs, values[2])
        assert is_near(values[3], theirs.vega(float(years)), scale), (inputs, values[3])
        shown = [mp.nstr(value, 13) for value in values]
        lines.append(",".join([right, future, strike, years, volatility, rate, *shown]))
    return "\n".join(lines) + "\n"


def regressions():
    random.seed(1885)
    lines = ["slope,intercept,r_squared,standard_error,pairs as x:y with blanks between"]
    for _ in range(40):
        count = random.randrange(3, 60)
        level, slope, noise = 10 ** random.uniform(-2, 5), random.uniform(-3, 3), random.random()
        xs = [f"{level * (1 + random.gauss(0, 0.1)):.6g}" for _ in range(count)]
        ys = [f"{slope * float(x) + level * noise * random.gauss(0, 0.2):.6g}" for x in xs]
        x, y = [mpf(text) for text in xs], [mpf(text) for text in ys]
        mean_x, mean_y = sum(x) / count, sum(y) / count
        xx = sum((a - mean_x) ** 2 for a in x)
        xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
        yy = sum((b - mean_y) ** 2 for b in y)
        b = xy / xx
        left = yy - b * xy
        found = [b, mean_y - b * mean_x, xy * xy / xx / yy, sqrt(left / (count - 2) / xx)]
        theirs = scipy.stats.linregress([float(a) for a in x], [float(a) for a in y])
        for one, other in zip(
            found, [theirs.slope, theirs.intercept, theirs.rvalue**2, theirs.stderr]
        ):
            assert abs(one - other) <= 1e-7 * abs(one) + 1e-9 * level, (one, other)
        pairs = " ".join(f"{a}:{b}" for a, b in zip(xs, ys))
        lines.append(",".join([*(mp.nstr(value, 15) for value in found), pairs]))
    return "\n".join(lines) + "\n"


def write():
    packed = zstandard.ZstdCompressor(level=19).compress(options().encode())
    (HERE / "black76.csv.zst").write_bytes(packed)
    (HERE / "regression.csv").write_text(regressions())


write()
