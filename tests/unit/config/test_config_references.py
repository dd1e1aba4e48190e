"""References: found, resolved once, and never by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.errors import Failed
from dr.model.references import KEEP, BadReference, Reference, escape, find, resolve, resolve_steps, substitute

pytestmark = pytest.mark.unit

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet="ab${}. \n", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_a_whole_reference_keeps_its_type_and_one_in_text_becomes_text() -> None:
    """A byte count stays a number where it is the whole value; in the middle of words it is written out."""
    facts = {"bytes": 12, "ok": True, "list": [1, {"a": "b"}]}
    value = {"n": "${steps.x.bytes}", "t": "n=${steps.x.bytes} ${steps.x.ok} $$5", "l": ["${steps.x.list}"]}
    assert resolve_steps(value, lambda step: facts if step == "x" else None) == {"n": 12, "t": "n=12 true $5", "l": [[1, {"a": "b"}]]}


def test_find_names_every_reference_in_order() -> None:
    assert [str(found) for found in find({"a": "${parameters.x}-${steps.i.f.g}", "b": ["${inventory.a.b}", "$$ {x}"]})] == [
        "${parameters.x}",
        "${steps.i.f.g}",
        "${inventory.a.b}",
    ]


@pytest.mark.parametrize(
    "text", ["${", "${}", "${steps}", "${steps.x}", "${parameters.a.b}", "${other.a}", "${steps..x}", "${ steps.a.b }"]
)
def test_what_begins_like_a_reference_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadReference):
        find([f"before {text} after"])


def test_what_a_reference_gives_is_not_searched_again() -> None:
    """A parameter's text cannot smuggle a reference in, neither when the plan is made nor when the step starts."""
    smuggled = "${steps.secret.value}"
    half = substitute({"a": "${parameters.p}", "b": "x ${parameters.p}"}, lambda reference: smuggled)
    assert find(half) == []
    assert resolve(half, lambda _: "LEAKED") == {"a": smuggled, "b": f"x {smuggled}"}


@pytest.mark.positive_control
def test_without_the_doubling_a_parameter_would_smuggle_a_reference_in() -> None:
    """The twin: the same text put in by plain replacement is resolved at the second pass."""
    half = {"a": "${parameters.p}".replace("${parameters.p}", "${steps.secret.value}")}
    assert resolve(half, lambda _: "LEAKED") == {"a": "LEAKED"}


def test_a_skipped_step_and_a_missing_fact_say_so() -> None:
    with pytest.raises(Failed) as skipped:
        resolve_steps("${steps.a.b}", lambda _: None)
    assert str(skipped.value) == (
        "${steps.a.b}: step 'a' left no facts\n   HINT: it was skipped or did not finish; give this step the same `when` or `needs`"
    )
    with pytest.raises(Failed) as missing:
        resolve_steps("${steps.a.b.c}", lambda _: {"b": {}})
    assert str(missing.value) == "${steps.a.b.c}: step 'a' recorded no 'b.c'"
    with pytest.raises(Failed, match="was left in the plan"):
        resolve_steps("${parameters.a}", lambda _: {})


@given(VALUES)
def test_an_escaped_value_comes_back_as_it_was(value: object) -> None:
    """Whatever a parameter holds, doubled dollars bring it through the second pass unchanged."""
    assert resolve(escape(value), lambda _: "never") == value


@given(VALUES)
def test_substituting_nothing_changes_nothing_or_refuses(value: object) -> None:
    """Every reference may be kept, and then the value is the same; the only error is BadReference."""
    try:
        assert substitute(value, lambda _: KEEP) == value
    except BadReference:
        with pytest.raises(BadReference):
            find(value)


@given(VALUES)
def test_two_passes_give_what_one_pass_gives(value: object) -> None:
    """Filling in a part when the plan is made and the rest when the step starts is the same as filling in all at once."""

    def look_up(reference: Reference) -> str:
        return f"<{reference}>"

    try:
        once = resolve(value, look_up)
    except BadReference:
        return
    first = substitute(value, lambda reference: look_up(reference) if reference.root == "parameters" else KEEP)
    assert resolve(first, look_up) == once
