"""Rate limits on what costs money, per person and per organization. The defaults suit one with 300 counselors."""

from config.settings.environment.parser import at_least_one, env

SESSIONS_PER_HOUR = env.int("SESSIONS_PER_HOUR", 30, validate=at_least_one)  # started
ORGANIZATION_SESSIONS_PER_HOUR = env.int("ORGANIZATION_SESSIONS_PER_HOUR", 3000, validate=at_least_one)
MESSAGES_PER_MINUTE = env.int("MESSAGES_PER_MINUTE", 30, validate=at_least_one)  # in chats
ORGANIZATION_MESSAGES_PER_MINUTE = env.int("ORGANIZATION_MESSAGES_PER_MINUTE", 3000, validate=at_least_one)
GRADINGS_PER_HOUR = env.int("GRADINGS_PER_HOUR", 60, validate=at_least_one)  # requested by a person
GRADINGS_PER_HOUR_AND_CONVERSATION = env.int("GRADINGS_PER_HOUR_AND_CONVERSATION", 3, validate=at_least_one)
ORGANIZATION_GRADINGS_PER_HOUR = env.int("ORGANIZATION_GRADINGS_PER_HOUR", 600, validate=at_least_one)
DRAFTS_PER_HOUR = env.int("DRAFTS_PER_HOUR", 30, validate=at_least_one)  # from complaints
ORGANIZATION_DRAFTS_PER_HOUR = env.int("ORGANIZATION_DRAFTS_PER_HOUR", 300, validate=at_least_one)
UPLOADS_PER_HOUR = env.int("UPLOADS_PER_HOUR", 60, validate=at_least_one)  # files
ORGANIZATION_UPLOADS_PER_HOUR = env.int("ORGANIZATION_UPLOADS_PER_HOUR", 3000, validate=at_least_one)
TICKETS_PER_MINUTE = env.int("TICKETS_PER_MINUTE", 30, validate=at_least_one)  # connections to calls
ORGANIZATION_TICKETS_PER_MINUTE = env.int("ORGANIZATION_TICKETS_PER_MINUTE", 3000, validate=at_least_one)
REPORTS_PER_HOUR = env.int("REPORTS_PER_HOUR", 10, validate=at_least_one)  # of problems
ORGANIZATION_REPORTS_PER_HOUR = env.int("ORGANIZATION_REPORTS_PER_HOUR", 600, validate=at_least_one)
INVITATIONS_PER_DAY = env.int("INVITATIONS_PER_DAY", 300, validate=at_least_one)  # emails to new people
ORGANIZATION_INVITATIONS_PER_DAY = env.int("ORGANIZATION_INVITATIONS_PER_DAY", 600, validate=at_least_one)
TYPED_TURNS_PER_MINUTE = env.int("TYPED_TURNS_PER_MINUTE", 20, validate=at_least_one)  # in one call
# In one call, and in one turn. Ten times as many characters are allowed.
TYPED_WORDS_PER_MINUTE = env.int("TYPED_WORDS_PER_MINUTE", 300, validate=at_least_one)
