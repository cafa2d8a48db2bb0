from openai_standin.schemas import fit


def test_enum_is_matched_by_its_letters():
    schema = {"type": "string", "enum": ["NOT MET", "MET"]}

    assert fit(schema, "not_met") == "NOT MET"


def test_enum_falls_back_to_its_first_choice():
    assert fit({"type": "string", "enum": ["a", "b"]}, "z") == "a"


def test_unknown_keys_are_dropped_and_missing_ones_filled():
    schema = {"type": "object", "properties": {"kept": {"type": "string"}, "count": {"type": "integer", "minimum": 3}}}

    assert fit(schema, {"kept": "yes", "dropped": 1}) == {"kept": "yes", "count": 3}


def test_references_and_unions_are_followed():
    schema = {
        "type": "object",
        "properties": {
            "turn": {"anyOf": [{"$ref": "#/$defs/turn"}, {"type": "null"}]},
            "note": {"type": ["string", "null"]},
        },
        "$defs": {"turn": {"type": "object", "properties": {"id": {"type": "string"}}}},
    }

    assert fit(schema, {"turn": {"id": "t1"}, "note": None}) == {"turn": {"id": "t1"}, "note": None}


def test_lists_respect_their_bounds():
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}

    assert fit(schema, [7]) == [7, 1]
    assert fit(schema, [1, 2, 3, 4]) == [1, 2, 3]
