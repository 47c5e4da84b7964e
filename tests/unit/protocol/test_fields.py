"""The settings as data: all of the schema, each with help, and no help for what does not exist."""

from radstudy.protocol.fields import PARTS, field_at, help_key, help_keys, order_at, setting_fields
from radstudy.protocol.sections import STEPS, Protocol
from radstudy.protocol.shipped import Preset

FIELDS = setting_fields()


def test_every_setting_has_a_label_and_a_sentence():
    texts = {str(setting): setting.help for setting in FIELDS}
    assert not [name for name, text in texts.items() if not (text.label and text.what.endswith("."))]
    jargon = [name for name, text in texts.items() if "None" in f"{text.label} {text.what} {text.paper}"]
    assert not jargon, "a form shows an empty field, not None: write 'what' into protocol/help.yaml"
    assert {setting.part for setting in FIELDS} == set(PARTS)


def test_every_setting_that_can_be_changed_says_when():
    silent = [str(one) for one in FIELDS if (one.kind != "group" or one.optional) and not one.help.when.endswith(".")]
    assert not silent, "write 'when' into protocol/help.yaml"


def test_no_help_is_left_of_a_setting_that_is_gone():
    assert set(help_keys()) == {help_key(setting.place) for setting in FIELDS}


def test_the_steps_are_those_of_the_flow():
    assert [part for part in PARTS if part in STEPS] == list(STEPS)


def test_every_section_of_the_file_is_there():
    top = [field.alias or name for name, field in Protocol.model_fields.items()]
    assert [setting.place[0] for setting in FIELDS if len(setting.place) == 1] == top


def test_forms_and_bounds_are_those_of_the_schema():
    shrink = field_at(("prepare", 0, "n4", "shrink"))
    assert [(form.kind, form.bounds, form.length) for form in shrink.forms] == [
        ("integer", (("ge", 1),), None), ("list", (), 3),
    ]  # fmt: skip
    assert field_at(("evaluate", "chance", "permutations")).forms[0].bounds == (("ge", 19),)
    assert field_at(("cohort", "split", "train")).forms[0].bounds == (("gt", 0), ("lt", 1))
    assert field_at(("model", "select", 2, "univariate", "test")).forms[0].choices == ("mann-whitney", "student", "auc")
    assert field_at(("model", "select")).kind == "steps" and "boruta" in field_at(("model", "select")).forms[0].choices
    assert [form.kind for form in field_at(("cohort", "readers")).forms] == ["list", "names"]
    assert field_at(("cohort", "clinical", "age", "unit")) is field_at(("cohort", "clinical", "x", "unit"))
    assert field_at(("model", "models", "a b", "fit", "svm", "kernel")).help == field_at(
        ("model", "fit", 0, "svm", "kernel")
    ).help  # fmt: skip
    for place in (("nothing",), ("cohort", 0), ("cohort", "reader_files"), ("model", "select", 0, "median")):
        assert field_at(place) is None


def test_defaults_are_those_in_force():
    assert field_at(("extract", "bin_width")).default() == 25
    assert field_at(("extract", "images", "log_sigma_mm")).default() == []
    assert field_at(("evaluate", "chance")).default() == {}
    assert field_at(("cohort", "transfer")).default() is None
    assert field_at(("sequences",)).required and not field_at(("notice",)).required


def test_new_settings_stand_in_the_order_of_the_schema():
    assert order_at(("evaluate", "interval")) == ["auc", "proportion", "level"]
    assert order_at(("model", "select", 3, "mrmr")) == ["keep", "score"]
    assert order_at(("cohort", "clinical", "age"))[:2] == ["column", "label"]
    assert order_at(("cohort", "clinical")) == []


def leaves(value, place=()):
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*place, name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from leaves(item, (*place, number))
    else:
        yield place


def test_every_setting_of_the_preset_is_known():
    known = [place for place in leaves(Preset("her2-ihc2plus", 1).settings()) if place[:2] != ("model", "models")]
    assert len(known) > 80
    for place in known:
        setting = field_at(place) or field_at(place[:-1])
        assert setting and (setting.place[-1] == place[-1] or setting.forms[-1].kind == "names"), place
