"""Arithmetic as a layer tells it: products with their numbers, and what is the same of height and
width said once.
"""

from collections.abc import Iterable
from math import prod


def write_product(factors: Iterable[int]) -> str:
    """`96 x 3 x 11 x 11`."""
    return " x ".join(f"{factor:,}" for factor in factors)


def derive_product(factors: Iterable[int]) -> str:
    """The product with its result, `3 x 11 x 11 = 363`; a single factor is its own."""
    factors = tuple(factors)
    product = write_product(factors)
    return product if len(factors) == 1 else f"{product} = {prod(factors):,}"


def list_both(height: str, width: str) -> tuple[str, ...]:
    """What is reckoned of height and of width, a line each; one line where it is the same."""
    if height == width:
        return (f"height and width: {height}",)
    return f"height: {height}", f"width: {width}"


def join_both(height: str, width: str) -> str:
    """The same on one line."""
    return height if height == width else f"height {height}; width {width}"


def write_sum(first: str, second: int) -> str:
    """`y + 2`, `y - 2`, or `y` alone."""
    if not second:
        return first
    return f"{first} {'+' if second > 0 else '-'} {abs(second)}"
