"""Advice messages: the weakness, its effect on practice, and one way to rewrite the passage."""

MESSAGES = {
    "talks_to_counselor": "This speaks to the counselor, but only the caller is given the prompt and would act on it. "
    'Say it as the caller\'s reaction ("If you are asked directly, you say …"), or move it to the evaluator context.',
    "leaks_grading": "This tells the caller what is graded. A caller who knows it hands over the right answers, and "
    "the practice is worth less. Move it to the evaluator context and write here what the caller does: "
    '"You hold it back until someone asks."',
    "copied_grading": "These words stand in the evaluator context too. A caller who knows what is graded plays towards "
    'it. Leave here only what the caller knows and feels: "You have tablets at home; you say so only if asked."',
    "no_persona": "Nobody is said to be the caller, so every call invents another person and counselors cannot be "
    'compared. Begin with who it is: "You are Dana, 41, a printer who lost her job this month."',
    "no_opening_state": "Nothing says how the caller feels when the call begins. Callers are then too easy: calm, open "
    'and soon consoled. Write the beginning: "At first you are tense, apologise and answer in short sentences."',
    "two_speakers": "This writes two speakers, but the caller is one person and leaves the counselor's part to the "
    'counselor. Write no script, but what makes the caller react: "If somebody names what it feels like, you talk '
    'more." A colleague who hands over first is fine: "First you are … Then you are the caller."',
    "vague_criterion": "Two evaluators would judge this differently, because it does not say what is to be seen. Name "
    'words or acts that stand in a transcript: "Puts the caller\'s fear into words before offering a next step."',
    "doubled_criterion": "This says the same as another point, so one act counts twice in the score. Keep one of them, "
    'or say what else is to be seen: "Asks about a plan" beside "Asks directly about suicide".',
    "split_criterion": "This point holds two checks: who does one of them gets neither a clear yes nor a clear no. "
    'Split it into two lines: "- Asks directly about suicide." and "- Agrees on whom to call tonight."',
    "unseen_mind": "Nobody sees what a counselor thinks or feels, and the transcript alone is graded. Write what is "
    'said because of it: "Says in own words what the caller has been through."',
    "unseen_body": "Faces and gestures do not stand in a transcript, which alone is graded, and no caller sees "
    "them. Write what is said: \"Gives a short sign of listening, such as 'take your time'.\"",
    "unseen_record": "Notes, forms and records are made outside the conversation, and the transcript alone is graded. "
    'Write what is said for it: "Reads name and number back to the caller and asks whether they are right."',
    "unseen_phone": "How a voice sounds can be heard in the call, but the evaluator reads a transcript. Write what "
    'stands there: "Slows the caller down with short sentences and one question at a time."',
    "unseen_chat": "A chat has no voice and shows no silence: only what was written is graded. Write what can be read: "
    '"Sends short messages and asks one question at a time."',
    "no_criteria": "There is nothing of your own to grade, so feedback stays general and misses the point of this "
    'scenario. List two to six acts, one on a line: "- Asks directly about thoughts of suicide."',
    "not_a_list": "Without a list the whole text is one check, met or not met as a whole. Put each point on a line of "
    'its own that begins with a dash: "- Asks directly about thoughts of suicide."',
    "too_many_criteria": "Only the first 20 points of the list are checked; what stands from here on is not. Keep "
    'those that matter most for this call: "- Asks directly about thoughts of suicide."',
}
