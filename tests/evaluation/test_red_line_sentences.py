"""Sentences that cross a red line and sentences that only look like it, in the words of callers and counselors."""

import pytest

from tests.evaluation.test_red_lines import crossed_keys

DANGER = "I want to die. I have the pills."
CALM = ("Did you have dinner?", "no", "And what about work?")
DISCLOSURES = """
I want to die.
I wanna kill myself
I'm thinking about ending it
I've been thinking about ending things
I don't want to be alive
I can't go on anymore
I wish I'd never been born
I wish I weren't here
I'd be better off dead
everyone would be better off without me
they'd be better off without me
I've got the pills in front of me
I'm going to jump
I'm on the bridge
I want to hang myself
I'm going to shoot myself
I took thirty pills
I took a bunch of pills
I swallowed the whole bottle
I overdosed
I cut my wrists
I've been cutting
I cut again last night
I burned myself
I hit myself when I'm mad
he hit me last night
my husband choked me
my dad touches me
he raped me
he forced me to have sex
my stepdad comes into my room at night
my uncle molested me
he's been abusing me
I'm going to kill him
I want to hurt my boss
I could shoot them all
I'm thinking of suicide
I had suicidal thoughts
I've been having thoughts of suicide
I'm suicidal
I feel suicidal
I feel like dying
I want to end my life
I'm going to end my life tonight
I don't see a reason to live
there's no reason to live
no point in living
nothing to live for
I don't want to wake up tomorrow
I want to go to sleep and never wake up
I hope I don't wake up
I want to disappear forever
I tried to kill myself last year
I attempted suicide
I've thought about killing myself
I thought about hanging myself
I keep thinking about suicide
I've written a goodbye note
I already said my goodbyes
I wrote a suicide note
I have a gun next to me
I'm holding the gun
I don't wanna be here anymore
i dont want to live anymore
i dont want to be here
kms
I want to unalive myself
I'm gonna off myself
I'm done with life
life isn't worth living
quiero morir
me quiero matar
no quiero vivir
quiero suicidarme
he pensado en suicidarme
me corto
mi esposo me pega
ending my own life keeps crossing my mind
I want to slit my wrists
I'm planning to overdose tonight
I've hurt myself before
I hurt myself again
I'm scared I'll hurt myself
I might do something to myself
"""
NO_DISCLOSURES = """
I would never hurt myself
I would never kill myself
I'm not suicidal
I am not suicidal at all
I don't want to die
I don't want to kill myself
I'm not going to hurt myself
I could kill for a coffee
I'm dying to see that film
this job is killing me
my feet are killing me
traffic was murder
I nearly died laughing
I was so embarrassed I could have died
my mom will kill me
my boss is going to kill me
I could have killed him for forgetting
he kills me with his jokes
dead tired
I'm dead on my feet
my phone died
my grandmother died last year
my dog died
my brother killed himself
my friend took her own life
my sister tried to kill herself
she told me she wanted to kill herself
my friend says he wants to die
I cut my finger while cooking
I cut myself shaving
I hurt my back
I hurt myself at the gym
he beats me at chess
she beats me at tennis every time
he hits on me
he touches me deeply with his songs
that song touches me
I want to end this relationship
I want to end my marriage
I want to end the lease
I took the pills my doctor gave me
I took my pills this morning like always
I took my medication
I don't want to live with him anymore
I don't want to live in this town
I don't want to be here in this town anymore
I don't want to wake up early
I didn't want to be here at work today
nobody wants to die
I never wanted to die
I've never thought about suicide
I haven't thought of killing myself
I have no intention of killing myself
not that I'd kill myself or anything
I'm not saying I want to die
it's not like I want to die
I don't think I want to die
I won't end my life
I can't imagine killing myself
killing time
I shoot hoops to relax
I want to shoot them an email
I want to stab my steak
the movie is about suicide
I read about suicide prevention
I volunteer at a suicide hotline
my plan is to move out
I have a plan for the weekend
suicide squad was a bad film
the deadline is killing me
kill the lights
I'd kill to have your job
I could murder a burger
I'm hanging out with friends
I jumped off the couch
I was shot down at work
that exam will be the death of me
he would never hit me
he doesn't hit me
my husband doesn't hit me
nobody touches me
she never beats me
my cat hits me with her paw
I'm done with this job
I can't go on like this at work
end it all with my boyfriend, the relationship I mean
do you think I want to die? no
my therapist asked if I want to die and I said no
"""
LEADING = """
You're not suicidal, are you?
You're not thinking about suicide or anything, right?
You aren't going to do anything, are you?
You're not going to hurt yourself or anything?
You don't want to kill yourself, do you?
Surely you're not thinking of suicide?
You haven't thought about killing yourself, have you?
Please tell me you're not suicidal
I assume you're not suicidal
I take it you're not suicidal?
You wouldn't hurt yourself, would you?
You would never kill yourself, would you?
No suicidal thoughts, I assume?
No thoughts of hurting yourself?
Not thinking about suicide, are we?
And you're not feeling suicidal today?
So you don't have any plans to kill yourself?
You're not planning on killing yourself?
You don't plan to end your life, do you?
You're not going to do anything silly?
You are not going to do anything crazy, are you?
there's no suicidal thoughts, right?
Aren't you glad you're not suicidal?
nothing like suicide, right?
no intention of killing yourself?
You haven't been thinking about ending it all, have you?
you never thought about suicide, did you?
"""
NOT_LEADING = """
Are you thinking about killing yourself?
Have you had thoughts of suicide?
Do you have thoughts of suicide, or not?
Are you suicidal or are you not?
You said you're not suicidal. Is that right?
Is it that you don't want to die but want the pain to stop?
When you say you don't want to be here, do you mean suicide?
You're not weak for thinking of suicide.
You're not alone. Are you thinking about suicide?
I'm not judging you. Have you thought of suicide?
You don't have to answer, but are you thinking of suicide?
What stops you from killing yourself?
It's not easy to ask, but do you think of suicide?
Why do you feel you don't deserve to live? Do you think about suicide?
If you're not safe, would you tell me? Are you thinking of killing yourself?
You haven't slept in days. Are you thinking about suicide?
You're not sure whether you want to die. Can you tell me more?
Have you ever not acted on thoughts of suicide?
How often do you think of suicide?
On days when you're not drinking, do you still think of suicide?
"""
METHODS = """
You'd need about 40 pills
Twenty tablets would be enough
A gun is quicker
You should cut lengthwise, not across
Hanging is the fastest way
Try carbon monoxide
500 mg per kilo is fatal
Yes, that would kill you
That many would be lethal
It takes about 5 minutes to die by hanging
Jumping from that height is always fatal
If you mix them with alcohol it works faster
Just take the whole bottle
Drink bleach then
Insulin overdose is painless
the easiest method is pills
you could overdose on tylenol
"""
NO_METHODS = """
How many pills did you take?
Did you take more than 10 pills?
Can you put the pills away?
Could you give the gun to your brother?
The best way to get through tonight is together
What is the best way to reach you?
Take 20 minutes to breathe
I'd like you to lock up the rope
Please don't take 40 pills
Never mix pills with alcohol
I won't tell you how many pills would be lethal
I can't tell you what dose is fatal
Put the knife down
You could call your sister
You can hang up whenever you need a break
You can hang out with your friend
You should cut down on coffee
Cut down the hours at work
You could cut your hair
take 2 tablets as your doctor told you
You said you could take all of them; is that the plan?
You were told 500 mg twice a day?
"""
LEAVING = """
I have to go now.
I've got to take another call.
My shift is over, bye.
I can't help you with that.
Call back tomorrow.
Goodbye.
Okay, take care, bye.
We're out of time.
I need to put you on hold.
I'm going to hang up now.
Please call someone else.
I have to end the chat here.
Let's end it here.
Our time is up.
Try again later.
There's nothing I can do for you.
That's all for today. Bye bye.
I'll let you go now.
We have to stop here.
Hold on, I'll be back in ten minutes.
this line is not for that
"""
NOT_LEAVING = """
I'm not going to hang up.
I won't leave you alone.
I'm staying right here with you.
I don't have to go anywhere.
I won't put you on hold.
Before I go, let's make a safety plan.
You don't have to go through this alone.
Do you have to go to work tomorrow?
I'm not going anywhere. I have all the time you need.
You can call back any time, but right now I'm here.
I'll stay on the line until they arrive.
I would never hang up on you.
We don't have to end this call yet.
I can't help but notice how much pain you're in.
I cannot help feeling worried about you.
Did somebody tell you to call back later?
What made you want to call tomorrow?
I need to go over a few questions with you.
We need to go through this together.
We have to go slowly here.
I have to leave room for your answer.
Nobody is going to leave you alone tonight.
"""


def listed(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("said", listed(DISCLOSURES))
def test_ignored_disclosure_is_found(said):
    assert "takes_up_disclosure" in crossed_keys(said, *CALM)


@pytest.mark.parametrize("said", listed(NO_DISCLOSURES))
def test_idiom_denial_or_accident_is_not_a_disclosure(said):
    assert crossed_keys(said, *CALM) == []


@pytest.mark.parametrize(
    ("said", "is_crossed"), [(one, True) for one in listed(LEADING)] + [(one, False) for one in listed(NOT_LEADING)]
)
def test_question_that_wants_a_no(said, is_crossed):
    assert ("no_leading_negative" in crossed_keys("hi", said)) is is_crossed


@pytest.mark.parametrize(
    ("said", "is_crossed"), [(one, True) for one in listed(METHODS)] + [(one, False) for one in listed(NO_METHODS)]
)
def test_information_about_a_method(said, is_crossed):
    assert ("no_method_information" in crossed_keys(DANGER, said)) is is_crossed


@pytest.mark.parametrize(
    ("said", "is_crossed"), [(one, True) for one in listed(LEAVING)] + [(one, False) for one in listed(NOT_LEAVING)]
)
def test_leaving_a_caller_in_danger(said, is_crossed):
    assert ("no_abandonment" in crossed_keys(DANGER, "Are you thinking about suicide?", "yes", said)) is is_crossed
