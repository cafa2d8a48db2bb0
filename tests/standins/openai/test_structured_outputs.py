from standins.openai.endpoints.structured_outputs import fit_to_schema


def test_enum_is_matched_by_its_letters():
    schema = {"type": "string", "enum": ["NOT MET", "MET"]}

    assert fit_to_schema(schema, "not_met") == "NOT MET"


def test_enum_falls_back_to_its_first_choice():
    assert fit_to_schema({"type": "string", "enum": ["a", "b"]}, "z") == "a"


def test_unknown_keys_are_dropped_and_missing_ones_filled():
    schema = {"type": "object", "properties": {"kept": {"type": "string"}, "count": {"type": "integer", "minimum": 3}}}

    assert fit_to_schema(schema, {"kept": "yes", "dropped": 1}) == {"kept": "yes", "count": 3}


def test_references_and_unions_are_followed():
    schema = {
        "type": "object",
        "properties": {
            "turn": {"anyOf": [{"$ref": "#/$defs/turn"}, {"type": "null"}]},
            "note": {"type": ["string", "null"]},
        },
        "$defs": {"turn": {"type": "object", "properties": {"id": {"type": "string"}}}},
    }

    assert fit_to_schema(schema, {"turn": {"id": "t1"}, "note": None}) == {"turn": {"id": "t1"}, "note": None}


def test_lists_respect_their_bounds():
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}

    assert fit_to_schema(schema, [7]) == [7, 1]
    assert fit_to_schema(schema, [1, 2, 3, 4]) == [1, 2, 3]
