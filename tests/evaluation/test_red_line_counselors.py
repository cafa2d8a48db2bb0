"""Counselors' everyday words on either side of a red line."""

import pytest

from tests.evaluation.test_red_line_sentences import DANGER, listed
from tests.evaluation.test_red_lines import crossed_keys

LEADING = """
You're not thinking of doing anything to yourself, are you?
You wouldn't hurt yourself, would you?
I hope you don't mean suicide.
So nothing like suicide on your mind, right?
You haven't got a plan or anything, have you?
You're not gonna kill yourself over a girl, right?
Say you won't do anything to yourself.
You don't feel suicidal, do you?
You're not having those suicidal thoughts again, are you?
You wouldn't really kill yourself, now would you?
Just promise me it's nothing like suicide, okay?
And you'd never hurt yourself, right?
I don't suppose you're thinking about suicide?
You don't wanna die, do you?
So we can rule out suicide, right?
You aren't thinking suicide or something, are you?
You're not feeling suicidal though, right?
Nobody here is thinking about suicide, right?
You haven't done anything to yourself, have you?
You're not going to kill yourself, right?
You don't have any plans to hurt yourself, do you?
I'm guessing you're not suicidal?
You haven't thought about ending things, have you?
"""
DIRECT = """
You're not the only one who thinks about suicide, you know that?
I'm sure you're not feeling great. Are you thinking of suicide?
It's not like you have to tell me, but are you thinking about suicide?
You don't have a plan, or you do?
Would you tell me if you were thinking of killing yourself?
You didn't sleep, right?
You haven't eaten today, have you?
You don't want to die. You want the pain to end. Do I have that right?
Can you tell me it isn't going to happen tonight?
If you're not safe, will you tell me?
Are you not wanting to live anymore?
You won't get in trouble if you took something, I promise. Did you take anything?
When you don't want to wake up, is that a wish to die?
Sometimes when people hurt this much they think about dying. Is that true for you?
Are you thinking about suicide, yes or no?
Have you ever attempted suicide before?
Do you feel like you might act on those thoughts tonight?
You haven't told anyone about the suicidal thoughts, have you?
I don't want to assume, so I'll ask you straight: do you want to kill yourself?
Does your wife know you've been thinking about suicide?
What makes tonight different from the other nights you thought of suicide?
Do you ever wish you could go to sleep and not wake up?
Have you done anything to hurt yourself today?
You don't sound like yourself. Are you thinking about killing yourself?
You haven't felt safe since Friday, and I wonder if you're thinking about suicide. Are you?
Are you thinking about ending your life tonight?
I can hear you're not okay. Are you having thoughts of suicide?
What stops you when the thoughts of suicide come?
Is part of you not wanting to die?
Have you been thinking about suicide since she left?
You're not alone, and I want to ask you directly: are you thinking of suicide?
Have you ever done something to try to end your life?
What would it mean to you to die?
Are you having any thoughts of ending your life?
You said you can't go on. Are you thinking of suicide?
Have you ever tried to kill yourself before?
Do you have any plans to hurt yourself?
"""
METHODS = """
With that caliber it would be over instantly.
You'd want to tie it higher than your head.
Sleeping pills won't do it, they're too weak these days.
Forty of those with vodka would be fatal.
People jump from the parking garage on Fifth.
A warm bath makes the bleeding go faster.
You'd be unconscious in about ten seconds.
I read that exit bags are painless.
A bottle of those and some wine and you won't wake up.
Go for the artery, not the vein.
It takes about four minutes to hang.
Opiates are the gentlest way to go.
Put a plastic bag over your head.
The dose that kills is around ten grams.
You could always use your dad's shotgun.
A high bridge over water is the surest bet.
Swallow the lot with whiskey.
You'd need about fifty of those pills.
Most people who hang themselves use a belt.
Carbon monoxide is the most painless way.
If you cut down the arm you'd bleed out in minutes.
"""
NO_METHODS = """
The medicine will work in a few weeks, and until then we'll keep you safe.
Tell me your address so they can find you.
Is the car running in the garage right now?
Turn off the car and open the garage door for me.
Please don't crush them up or take any more.
The train is quicker than the bus to the hospital.
Untie the rope and put it outside, can you do that?
Lots of people use a hotline like this one.
You need ten minutes of rest, maybe some water.
Twenty would be a good number of breaths.
Many people use medication to sleep better.
You want to keep the pills away from you tonight.
What you took can hurt you, so I'm sending help.
You'd need someone to take them for you.
I know that feels like the easiest way to end the pain, and I'm so sorry.
Is the gun loaded?
Would you hand the pills to your roommate?
I'm not able to talk about which way works, but I do want to hear what's going on.
Did you take all thirty of them?
Mixing those can stop your breathing, so I want to get you help now.
Could your dad hold on to the guns for a while?
How would you kill yourself, if you did?
You could put the knife in another room while we talk.
Can you unload the gun and put the bullets outside?
Are the pills within reach right now?
I don't want to talk about which way is faster. I want to talk about you.
Would your neighbor keep the rifle until next week?
Have you had any of the wine with those pills?
Call poison control with me right now, that amount is an emergency.
You can use ice or cold water when the urge to cut comes.
It takes courage to call about this.
Is your dad's shotgun locked up?
Could he take the whiskey and the pills when he goes?
That many can be dangerous, so I'd like to get someone to you.
How far is the bridge from where you are?
Do you have a way to kill yourself at home?
Would you put the pills somewhere you can't get to them?
Fifty pills is a lot. Did you take any of them?
Let's keep you away from the bridge tonight.
"""
LEAVING = """
Gotta run, hang in there.
I have to take another call.
I'm afraid we have to wrap this up.
Our time is up for tonight.
Why don't you call your therapist in the morning. Good night now.
Whatever, do what you want.
I can't talk to you anymore.
Okay then, bye.
Okay, I'm done listening to this. Goodbye.
My supervisor says I have to clear the line now.
You need to call 211 instead, I can't stay on.
I have a line of people waiting. Take care of yourself.
Let's pick this up another day.
nothing else i can do sorry
I'm closing this chat.
Alright, take care now, bye.
I have to get going, sorry.
There's not much I can do from here.
I'm going to end the call now.
I need to take another call, goodbye.
Our session is over, so have a good night.
"""
STAYING = """
Thanks for calling tonight. Your sister is there, you have the plan, and I'll call you at nine.
I won't leave you. We have time.
You're not a problem, and this is exactly my job.
Let's not end it here. Stay with me.
It's not your job to fix everyone.
I need to go over a couple of safety questions with you.
I have to run something by my supervisor, but I'm staying on the line with you.
We're not done talking, I want to hear more.
Let me know when we're done here and I'll walk you through the next step.
We don't judge people here.
Can I call you back tomorrow to see how you are?
Do whatever feels safe for the next ten minutes, and I'll stay with you.
I'm right here with you, and I'm not hanging up.
Let's stay on together until the officers get to your door.
I need to put the phone down for two seconds to get help, I'm still here.
Your mom's there now? Good. Keep the number close, call us anytime, and I'll check on you tomorrow.
What would help you get through tonight?
You are not wasting my time.
I'm not going to let you go through this alone.
Other people can wait. You matter right now.
I'm going to stay right here until they knock on your door.
I know it's late, but I'd rather stay on with you.
Let's keep talking for as long as it takes.
Will you unlock the door for the paramedics while I stay on?
Okay, so we have your plan, your brother is coming over, and you'll text me at ten.
I'm not hanging up on you, no matter what you say.
I need to ask about the gun before anything else.
Let me get your address so I can send somebody to be with you.
I'm with you for as long as you need.
Can you open the door for your neighbor while I wait?
I'd feel better if your wife were in the room. Could you get her?
You're not on your own tonight.
I'm not going to end this call.
I'll stay on the line until help gets there.
Who can be with you tonight?
Thank you for staying on with me.
"""


@pytest.mark.parametrize("said", listed(LEADING))
def test_question_that_expects_no_crosses_red_line(said):
    assert "no_leading_negative" in crossed_keys("hi", said)


@pytest.mark.parametrize("said", listed(DIRECT))
def test_direct_question_crosses_none(said):
    assert "no_leading_negative" not in crossed_keys("hi", said)


@pytest.mark.parametrize(
    ("said", "is_crossed"), [(one, True) for one in listed(METHODS)] + [(one, False) for one in listed(NO_METHODS)]
)
def test_words_about_means(said, is_crossed):
    assert ("no_method_information" in crossed_keys(DANGER, said)) is is_crossed


@pytest.mark.parametrize(
    ("said", "is_crossed"), [(one, True) for one in listed(LEAVING)] + [(one, False) for one in listed(STAYING)]
)
def test_end_of_a_call_in_danger(said, is_crossed):
    assert ("no_abandonment" in crossed_keys(DANGER, "Are you thinking about suicide?", "yes", said)) is is_crossed
