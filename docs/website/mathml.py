"""Formulas as MathML, which browsers set themselves: no script, no font, and readable by screen readers."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert


def formula(latex: str, *, block: bool) -> str:
    """The MathML of a formula.

    Examples
    --------
    >>> formula("x", block=False)
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>'
    """
    mathml: str = convert(latex.strip(), display="block" if block else "inline")
    return mathml


def inline_formula(translator: Any, node: Any) -> None:
    """Write a formula within a line."""
    translator.body.append(formula(node.astext(), block=False))
    raise nodes.SkipNode


def block_formula(translator: Any, node: Any) -> None:
    """Write a formula on a line of its own, which scrolls where it is wider than the page."""
    translator.body.append(f'<div class="formula" tabindex="0">{formula(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode
