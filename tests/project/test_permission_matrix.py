"""Permission matrix: the expected answer of each route for each role. A route missing from the tables is an error."""

import json
import re
from copy import copy
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from accounts.backends import OWN_PERMISSIONS, ROLE_PERMISSIONS
from accounts.integrations.service_tokens import issue_service_token
from accounts.integrations.webhooks import add_webhook
from accounts.models import Cohort, ProcedureSection
from accounts.procedures.uploads import upload_procedures
from accounts.services.invitations import invite_people
from evaluation.models import Comment, CriterionResult, DocumentationReview, Evaluation, Flag, Guidelines
from recordings.models import Recording
from scenarios.models import ImportJob, ScenarioDraft
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import body_without_csrf_token, client_of
from tests.support.prove_run import IS_PROVE_RUN
from tests.support.urls import site_routes
from training.models import Session

PEOPLE = ["counselor", "colleague", "supervisor", "trainer", "evaluator", "admin", "stranger", "nobody"]

# Each row is a route with its expected answers: a status, or `login`, `home`, or `away` for a redirect to the login
# page, to the home page, or elsewhere. A row has one of two forms.
#
# METHOD PATH PERMISSION ALLOWED REFUSED: the answers follow from the permission table in `accounts.backends`. Roles
# with the permission get ALLOWED, the others REFUSED. For `{objects}`, the counselor, who owns them, gets ALLOWED if
# everyone may do this with rows of their own, and the stranger gets 404. `200/away` has a second answer for the owner.
#
# METHOD PATH and eight answers, one for each of PEOPLE: for routes that no single permission decides. `counselor` owns
# the objects, `stranger` is a supervisor of the other organization, and `nobody` is not logged in.
EXPECTED_ANSWERS = """
GET    /                                        200   200   200   200   200   200   200   200
GET    /sessions/                               200   200   200   200   200   200   200   login
GET    /sessions/{over}/                                       training.view_session                  200       404
GET    /sessions/{call}/                                       training.view_session                  200       404
GET    /sessions/{over}/feedback/                              training.view_session                  200       404
POST   /sessions/{over}/feedback/                              evaluation.grade_evaluation            away      404
POST   /sessions/{call}/feedback/                              evaluation.grade_evaluation            away      404
POST   /sessions/{call}/end/                   404   404   200   404   404   200   404   login
POST   /sessions/{chat}/stop/                   away  404   404   404   404   404   404   login
POST   /sessions/{over}/feeling/                away  404   404   404   404   404   404   login
POST   /sessions/{over}/name/                   away  404   404   404   404   404   404   login
POST   /sessions/{over}/report/                 away  404   404   404   404   404   404   login
GET    /sessions/{over}/checks/                                training.view_session                  away      404
GET    /sessions/{over}/print/                                 training.view_session                  200       404
GET    /sessions/{over}/transcript/                            training.view_session                  200       404
GET    /sessions/{over}/transcript.txt                         training.export_session                200       404
GET    /sessions/{over}/transcript.json                        training.export_session                200       404
GET    /search/                                 200   200   200   200   200   200   200   login
GET    /guides/                                 200   200   200   200   200   200   200   login
GET    /guides/feedback/                        200   200   200   200   200   200   200   login
GET    /progress/                               200   200   200   200   200   200   200   login
GET    /progress/risk/                          200   200   200   200   200   200   200   login
GET    /team/                                                  training.view_assignment               200       403
HEAD   /team/export.csv                                        training.export_session                200       403
GET    /attention/                                             training.view_assignment               200       403
GET    /live/                                                  training.follow_session                200       403
GET    /feedback/                                              evaluation.view_evaluation             200       403
GET    /flags/                                                 evaluation.view_flag                   200       403
POST   /flags/handle/                                          evaluation.change_flag                 away      403
POST   /flags/{flag}/                                          evaluation.change_flag                 away      403
GET    /assignments/                                           training.view_assignment               200       403
GET    /assignments/new/                                       training.add_assignment                200       403
POST   /assignments/new/                                       training.add_assignment                200       403
GET    /assignments/new/counselors/                            training.add_assignment                200       403
GET    /assignments/new/scenarios/                             training.add_assignment                200       403
POST   /assignments/change/                                    training.change_assignment             away      403
GET    /assignments/{chat_assignment}/                         training.view_assignment               200/403   403
POST   /assignments/{chat_assignment}/reset/                   training.change_assignment             200       403
POST   /assignments/{chat_assignment}/cancel/                  training.change_assignment             200       403
POST   /assignments/{chat_assignment}/decline/ 200   404   404   404   404   404   404   login
GET    /sessions/{over}/recording/                             training.view_session                  200       404
GET    /sessions/{over}/comments/                              evaluation.view_comment                200       404
POST   /sessions/{over}/comments/              403   404   400   404   404   400   404   login
GET    /sessions/{over}/documentation/                         training.view_session                  200       404
POST   /sessions/{over}/documentation/         away  404   403   404   404   403   404   login
POST   /sessions/{documented}/documentation/retry/             evaluation.change_documentationreview  away      404
POST   /sessions/{over}/comments/{comment}/delete/ 404   404   200   404   404   404   404   login
GET    /reviews/                                               evaluation.add_review                  200       403
GET    /reviews/agreement/                                     evaluation.add_review                  200       403
POST   /evaluations/{graded}/agree/                            evaluation.add_review                  away      403
POST   /evaluations/looked-at/                                 evaluation.add_review                  away      403
POST   /evaluations/{graded}/looked-at/                        evaluation.add_review                  away      403
POST   /evaluations/{graded}/criteria/{criterion}/review/      evaluation.add_review                  away      403
POST   /evaluations/{graded}/criteria/{criterion}/dispute/ away 404 404 404 404 404   404   login
HEAD   /recordings/{recording}/audio/          200   404   200   404   404   200   404   login
GET    /accounts/                                              accounts.view_account                  200       403
GET    /accounts/{account}/                                    accounts.view_account                  200       403
GET    /accounts/{account}/procedures/                         accounts.view_account                  200       403
GET    /accounts/new/                                          accounts.add_account                  200       403
POST   /accounts/new/                                          accounts.add_account                  400       403
GET    /accounts/{account}/edit/                               accounts.change_account               200       403
POST   /accounts/{account}/edit/                               accounts.change_account               400       403
GET    /accounts/{account}/sections/{section}/                 accounts.view_account                 200       403
GET    /accounts/{account}/procedures/{document}/changes/      accounts.view_account                 404       403
POST   /accounts/{account}/procedures/upload/                  accounts.change_account                400       403
POST   /accounts/{account}/procedures/{document}/retry/        accounts.change_account                away      403
POST   /accounts/{account}/procedures/{document}/confirm/      accounts.change_account                away      403
GET    /center/                                                accounts.change_organization          200       403
POST   /center/                                                accounts.change_organization          400       403
GET    /center/people/                                         accounts.view_user                    200       403
POST   /center/people/                                         accounts.add_invitation               400       403
GET    /center/people/{person}/                                accounts.change_user                  200       403
POST   /center/people/{person}/                                accounts.change_user                  400       403
POST   /center/people/{person}/deactivate/                     accounts.change_user                  200       403
POST   /center/people/{person}/reactivate/                     accounts.change_user                  away      403
POST   /center/invitations/{invitation}/resend/                accounts.change_invitation            away      403
POST   /center/invitations/{invitation}/revoke/                accounts.change_invitation            200       403
GET    /center/cohorts/                                        accounts.view_cohort                  200       403
POST   /center/cohorts/                                        accounts.add_cohort                   400       403
GET    /center/cohorts/{cohort}/                               accounts.change_cohort                200       403
POST   /center/cohorts/{cohort}/                               accounts.change_cohort                400       403
POST   /center/cohorts/{cohort}/add/                           accounts.change_cohort                away      403
POST   /center/cohorts/{cohort}/remove/                        accounts.change_cohort                away      403
POST   /center/cohorts/{cohort}/delete/                        accounts.delete_cohort                200       403
GET    /center/integrations/                                   accounts.view_webhook                 200       403
GET    /center/integrations/tokens/new/                        accounts.add_servicetoken             200       403
POST   /center/integrations/tokens/new/                        accounts.add_servicetoken             400       403
POST   /center/integrations/tokens/{token}/revoke/             accounts.change_servicetoken          200       403
GET    /center/integrations/webhooks/new/                      accounts.add_webhook                  200       403
POST   /center/integrations/webhooks/new/                      accounts.add_webhook                  400       403
GET    /center/integrations/webhooks/{webhook}/                accounts.change_webhook               200       403
POST   /center/integrations/webhooks/{webhook}/                accounts.change_webhook               400       403
POST   /center/integrations/webhooks/{webhook}/delete/         accounts.delete_webhook               200       403
GET    /invitation/x:y/                         400   400   400   400   400   400   400   400
POST   /invitation/x:y/                         400   400   400   400   400   400   400   400
GET    /training/voice/free/                    200   200   200   200   200   200   200   login
GET    /training/chat/free/                     200   200   200   200   200   200   200   login
POST   /training/chat/begin/                    away  away  away  away  away  away  away  login
POST   /training/chat/{chat}/say/               400   404   404   404   404   404   404   login
POST   /training/chat/{chat}/end/               away  404   404   404   404   404   404   login
GET    /training/library/                       200   200   200   200   200   200   200   login
GET    /training/voice/{phone_assignment}/      200   404   404   404   404   404   404   login
GET    /training/chat/{chat_assignment}/        200   404   404   404   404   404   404   login
GET    /training/voice/{chat_assignment}/       404   404   404   404   404   404   404   login
GET    /training/voice/warm-up/                 200   200   200   200   200   200   200   login
GET    /training/voice/trial/{scenario}/                       scenarios.change_scenario              200       404
GET    /training/chat/trial/{scenario}/                        scenarios.change_scenario              200       404
GET    /scenarios/                                             scenarios.view_scenario                200       403
GET    /scenarios/new/                                         scenarios.add_scenario                 200       403
POST   /scenarios/export/                                      scenarios.view_scenario                away      403
POST   /scenarios/assign/                                      training.add_assignment                away      403
POST   /scenarios/activate/                                    scenarios.change_scenario              away      403
POST   /scenarios/deactivate/                                  scenarios.change_scenario              away      403
POST   /scenarios/promote/                                     scenarios.change_scenario              away      403
POST   /scenarios/demote/                                      scenarios.change_scenario              away      403
POST   /scenarios/delete/                                      scenarios.delete_scenario              away      403
GET    /scenarios/{scenario}/                                  scenarios.view_scenario                200       403
POST   /scenarios/{scenario}/                                  scenarios.change_scenario              away      403
GET    /scenarios/{scenario}/{step}/                           scenarios.view_scenario                200       403
POST   /scenarios/{scenario}/{step}/                           scenarios.change_scenario              away      403
POST   /scenarios/{scenario}/{step}/autosave/                  scenarios.change_scenario              200       403
GET    /scenarios/{scenario}/published/                        scenarios.view_scenario                200       403
POST   /scenarios/{scenario}/discard/                          scenarios.change_scenario              away      403
POST   /scenarios/{scenario}/keep/                             scenarios.change_scenario              away      403
GET    /scenarios/import/                                      scenarios.add_importjob                200       403
POST   /scenarios/import/                                      scenarios.add_importjob                200       403
GET    /scenarios/import/template.csv                          scenarios.add_importjob                200       403
GET    /scenarios/import/template.json                         scenarios.add_importjob                200       403
GET    /scenarios/import/{import}/                             scenarios.view_importjob               200       403
GET    /scenarios/import/{import}/progress/                    scenarios.view_importjob               200       403
POST   /scenarios/import/{import}/begin/                       scenarios.add_importjob                away      403
POST   /scenarios/import/{import}/categories/                  scenarios.add_importjob                away      403
POST   /scenarios/import/{import}/resume/                      scenarios.add_importjob                away      403
POST   /scenarios/import/{import}/discard/                     scenarios.add_importjob                away      403
GET    /scenarios/drafts/                                      scenarios.add_scenariodraft            200       403
POST   /scenarios/drafts/                                      scenarios.add_scenariodraft            200       403
GET    /scenarios/drafts/{draft}/                              scenarios.change_scenariodraft         200       403
POST   /scenarios/drafts/{draft}/                              scenarios.change_scenariodraft         200       403
GET    /scenarios/drafts/{draft}/state/                        scenarios.change_scenariodraft         200       403
POST   /scenarios/drafts/{draft}/check/                        scenarios.change_scenariodraft         200       403
POST   /scenarios/drafts/{draft}/again/                        scenarios.change_scenariodraft         away      403
POST   /scenarios/drafts/{draft}/restore/                      scenarios.change_scenariodraft         away      403
POST   /scenarios/drafts/{draft}/discard/                      scenarios.change_scenariodraft         200       403
POST   /scenarios/drafts/{draft}/complaint/delete/             scenarios.change_scenariodraft         200       403
GET    /scenarios/sections/{section}/                          scenarios.view_scenario                200       403

GET    /api/library/                            200   200   200   200   200   200   200   401
GET    /api/library/{scenario}/                 200   200   200   200   200   200   404   401
POST   /api/sessions/                           201   201   201   201   201   201   201   401
GET    /api/sessions/                           200   200   200   200   200   200   200   401
PATCH  /api/sessions/{over}/                    200   404   404   404   404   404   404   401
POST   /api/sessions/{over}/feeling/            200   404   404   404   404   404   404   401
POST   /api/sessions/{over}/report/             201   404   404   404   404   404   404   401
GET    /api/sessions/{over}/comments/                          evaluation.view_comment                200       404
POST   /api/sessions/{over}/comments/          403   404   400   404   404   400   404   401
DELETE /api/sessions/{over}/comments/{comment}/ 404   404   204   404   404   404   404   401
GET    /api/sessions/{documented}/documentation/               evaluation.view_documentationreview    200       404
POST   /api/sessions/{over}/documentation/      400   404   404   404   404   404   404   401
POST   /api/sessions/{documented}/documentation/retry/         evaluation.change_documentationreview  202       404
GET    /api/me/                                 200   200   200   200   200   200   200   401
PATCH  /api/me/                                 200   200   200   200   200   200   200   401
GET    /api/evaluations/                        200   200   200   200   200   200   200   401
GET    /api/evaluations/{graded}/                              evaluation.view_evaluation             200       404
POST   /api/evaluations/{graded}/agree/                        evaluation.add_review                  200       403
POST   /api/evaluations/{graded}/looked-at/                    evaluation.add_review                  200       403
POST   /api/evaluations/{graded}/criteria/{criterion}/review/  evaluation.add_review                  200       403
POST   /api/evaluations/{graded}/criteria/{criterion}/dispute/ 201 404 404 404 404 404  404   401
GET    /api/agreement/                                         evaluation.add_review                  200       403
GET    /api/flags/                                             evaluation.view_flag                   200       403
GET    /api/flags/{flag}/                                      evaluation.view_flag                   200       403
PATCH  /api/flags/{flag}/                                      evaluation.change_flag                 200       403
GET    /api/disputes/                           200   200   200   200   200   200   200   401
GET    /api/progress/                           200   200   200   200   200   200   200   401
GET    /api/team/                                              training.view_assignment               200       403
GET    /api/attention/                                         training.view_assignment               200       403
GET    /api/live/                                              training.follow_session                200       403
GET    /api/people/                                            accounts.view_cohort                   200       403
GET    /api/people/{person}/                                   accounts.view_cohort                   200       403
GET    /api/cohorts/                                           accounts.view_cohort                   200       403
POST   /api/cohorts/                                           accounts.add_cohort                    201       403
GET    /api/cohorts/{cohort}/                                  accounts.view_cohort                   200       403
PATCH  /api/cohorts/{cohort}/                                  accounts.change_cohort                 200       403
DELETE /api/cohorts/{cohort}/                                  accounts.delete_cohort                 204       403
GET    /api/tokens/                                            accounts.view_servicetoken             200       403
POST   /api/tokens/                                            accounts.add_servicetoken              201       403
GET    /api/tokens/{token}/                                    accounts.view_servicetoken             200       403
POST   /api/tokens/{token}/revoke/                             accounts.change_servicetoken           200       403
GET    /api/webhooks/                                          accounts.view_webhook                  200       403
POST   /api/webhooks/                                          accounts.add_webhook                   201       403
GET    /api/webhooks/{webhook}/                                accounts.view_webhook                  200       403
PATCH  /api/webhooks/{webhook}/                                accounts.change_webhook                200       403
DELETE /api/webhooks/{webhook}/                                accounts.delete_webhook                204       403
GET    /api/webhooks/{webhook}/deliveries/                     accounts.view_webhook                  200       403
GET    /api/sessions/{over}/                                   training.view_session                  200       404
POST   /api/sessions/{chat}/messages/           503   404   404   404   404   404   404   401
POST   /api/sessions/{chat}/end/                               training.end_session                   200       404
POST   /api/sessions/{chat}/stop/               200   404   404   404   404   404   404   401
POST   /api/sessions/{call}/ticket/             201   404   404   404   404   404   404   401
GET    /api/sessions/{over}/evaluation/                        training.view_session                  200       404
POST   /api/sessions/{over}/evaluation/                        evaluation.grade_evaluation            202       404
POST   /api/sessions/{chat}/evaluation/                        evaluation.grade_evaluation            409/202   404
GET    /api/accounts/                                          accounts.view_account                  200       403
GET    /api/accounts/{account}/                                accounts.view_account                  200       403
PATCH  /api/accounts/{account}/                                accounts.change_account                400       403
GET    /api/accounts/{account}/sections/                       accounts.view_account                  200       403
POST   /api/accounts/{account}/sections/suggest/               accounts.view_account                  200       403
POST   /api/accounts/{account}/procedures/{document}/retry/    accounts.change_account                202       403
POST   /api/accounts/{account}/procedures/{document}/confirm/  accounts.change_account                400       403
GET    /api/assignments/                        200   200   200   200   200   200   200   401
POST   /api/assignments/                                       training.add_assignment                400       403
POST   /api/assignments/bulk/                                  training.add_assignment                400       403
GET    /api/assignments/{chat_assignment}/                     training.view_assignment               200       404
PATCH  /api/assignments/{chat_assignment}/                     training.change_assignment             200       403
POST   /api/assignments/{chat_assignment}/reset/               training.change_assignment             409       403
POST   /api/assignments/{chat_assignment}/cancel/              training.change_assignment             409       403
POST   /api/assignments/{chat_assignment}/decline/ 409 404  404   404   404   404   404   401
POST   /api/assignments/one-time/                              training.add_assignment                400       403
GET    /api/scenarios/                                         scenarios.view_scenario                200       403
POST   /api/scenarios/                                         scenarios.add_scenario                 201       403
GET    /api/scenarios/{scenario}/                              scenarios.view_scenario                200       403
PATCH  /api/scenarios/{scenario}/                              scenarios.change_scenario              200       403
DELETE /api/scenarios/{scenario}/                              scenarios.delete_scenario              409       403
POST   /api/scenarios/{scenario}/promote/                      scenarios.change_scenario              200       403
POST   /api/scenarios/{scenario}/demote/                       scenarios.change_scenario              409       403
POST   /api/scenarios/lint/                                    scenarios.add_scenario                 200       403
HEAD   /api/scenarios/export/                                  scenarios.view_scenario                200       403
POST   /api/scenarios/import/                                  scenarios.add_importjob                202       403
GET    /api/scenarios/imports/                                 scenarios.view_importjob               200       403
GET    /api/scenarios/imports/{import}/                        scenarios.view_importjob               200       403
GET    /api/scenarios/drafts/                                  scenarios.view_scenariodraft           200       403
POST   /api/scenarios/drafts/                                  scenarios.add_scenariodraft            202       403
GET    /api/scenarios/drafts/{draft}/                          scenarios.view_scenariodraft           200       403
DELETE /api/scenarios/drafts/{draft}/                          scenarios.change_scenariodraft         204       403
POST   /api/scenarios/drafts/{draft}/again/                    scenarios.change_scenariodraft         202       403
POST   /api/scenarios/drafts/{draft}/restore/                  scenarios.change_scenariodraft         409       403
DELETE /api/scenarios/drafts/{draft}/source/                   scenarios.change_scenariodraft         409       403
POST   /api/scenarios/drafts/{draft}/save/                     scenarios.change_scenariodraft         201       403
GET    /api/recordings/                         200   200   200   200   200   200   200   401
HEAD   /api/recordings/{recording}/download/                   recordings.download_recording          200       404
GET    /api/recordings/{recording}/link/                       recordings.download_recording          200       404
GET    /api/schema/                             200   200   200   200   200   200   200   200
GET    /api/docs/                               200   200   200   200   200   200   200   200
GET    /texts.js                                200   200   200   200   200   200   200   200
GET    /manifest.webmanifest                    200   200   200   200   200   200   200   200
GET    /service-worker.js                       200   200   200   200   200   200   200   200
GET    /robots.txt                              200   200   200   200   200   200   200   200
GET    /favicon.ico                             200   200   200   200   200   200   200   200
GET    /offline/                                200   200   200   200   200   200   200   200
GET    /styleguide/                             404   404   404   404   404   404   404   404
POST   /theme/                                  home  home  home  home  home  home  home  home

GET    /account/login/                          home  home  home  home  home  home  home  200
GET    /account/logout/                         200   200   200   200   200   200   200   home
GET    /account/inactive/                       200   200   200   200   200   200   200   200
GET    /account/signup/                         404   404   404   404   404   404   404   404
POST   /account/signup/                         404   404   404   404   404   404   404   404
GET    /account/reauthenticate/                 200   200   200   200   200   200   200   login
GET    /account/notices/                        200   200   200   200   200   200   200   login
POST   /account/notices/                        away  away  away  away  away  away  away  login
GET    /account/email/                          200   200   200   200   200   200   200   login
GET    /account/email/confirm/x:y/              400   400   400   400   400   400   400   400
GET    /account/confirm-email/                  404   404   404   404   404   404   404   404
GET    /account/confirm-email/x:y/              404   404   404   404   404   404   404   404
GET    /account/password/change/                200   200   200   200   200   200   200   login
POST   /account/password/change/                200   200   200   200   200   200   200   login
GET    /account/password/set/                   404   404   404   404   404   404   404   404
GET    /account/password/reset/                 200   200   200   200   200   200   200   200
GET    /account/password/reset/done/            200   200   200   200   200   200   200   200
GET    /account/password/reset/key/1-x/         200   200   200   200   200   200   200   200
GET    /account/password/reset/key/done/        200   200   200   200   200   200   200   200
GET    /account/login/code/confirm/             404   404   404   404   404   404   404   404

GET    /admin/                                  login login 200   200   200   200   200   login
GET    /admin/login/                            403   403   away  away  away  away  away  login
POST   /admin/logout/                           away  away  200   200   200   200   200   away
GET    /admin/password_change/                  404   404   404   404   404   404   404   404
GET    /admin/password_change/done/             404   404   404   404   404   404   404   404
GET    /admin/autocomplete/                     login login 403   403   403   403   403   login
GET    /admin/jsi18n/                           login login 200   200   200   200   200   login
GET    /admin/r/{session_type}/{over}/          login login 404   404   404   404   404   login
GET    /admin/accounts/                         login login 200   200   200   200   200   login
GET    /admin/scenarios/                        login login 200   200   200   200   200   login
GET    /admin/training/                         login login 200   404   200   200   200   login
GET    /admin/recordings/                       login login 200   404   404   200   200   login
GET    /admin/evaluation/                       login login 200   404   200   200   200   login
GET    /admin/auth/                             login login 404   404   404   404   404   login
GET    /admin/nothing/here/                     login login 404   404   404   404   404   login
GET    /admin/scenarios/scenariodraft/{draft}/state/ login login 200 200 403  200   404   login
POST   /admin/scenarios/scenariodraft/{draft}/check/ login login 200 200 403  200   404   login
GET    /admin/scenarios/scenario/one-time/      login login 200   403   403   200   200   login
POST   /admin/scenarios/scenario/one-time/      login login 200   403   403   200   200   login
GET    /admin/scenarios/scenario/advice/        login login 405   405   405   405   405   login
POST   /admin/scenarios/scenario/advice/        login login 200   200   403   200   200   login
GET    /admin/scenarios/scenario/sections/      login login 405   405   405   405   405   login
POST   /admin/scenarios/scenario/sections/      login login 200   200   403   200   200   login
GET    /admin/scenarios/importjob/template.csv  login login 200   200   403   200   200   login
GET    /admin/scenarios/importjob/template.json login login 200   200   403   200   200   login
GET    /admin/scenarios/importjob/{import}/progress/ login login 200 200 403  200   404   login
GET    /admin/scenarios/importjob/{import}/begin/   login login 405  405  405   405   405   login
POST   /admin/scenarios/importjob/{import}/begin/   login login away away 403   away  404   login
POST   /admin/scenarios/importjob/{import}/categories/ login login away away 403 away 404 login
POST   /admin/scenarios/importjob/{import}/resume/  login login away away 403   away  404   login
POST   /admin/scenarios/importjob/{import}/discard/ login login away away 403   away  404   login
"""
REQUEST_BODIES = {
    "/api/sessions/{over}/": {"name": "The long night"},
    "/api/sessions/{over}/feeling/": {"feeling": 2},
    "/api/sessions/{over}/report/": {"kind": "technical", "text": "No sound."},
    "/api/evaluations/{graded}/criteria/{criterion}/review/": {"verdict": "agree", "reason": "It is so."},
    "/api/evaluations/{graded}/criteria/{criterion}/dispute/": {"reason": "It is not so."},
    "/api/me/": {"mail_due_soon": False},
    "/api/flags/{flag}/": {"handling": "reviewed"},
    "/api/cohorts/": {"name": "Autumn class"},
    "/api/tokens/": {"name": "Learning system", "scopes": ["sessions:read"]},
    "/api/webhooks/": {"url": "https://learning.example.org/hook", "events": ["evaluation.ready"]},
    "/api/accounts/{account}/sections/suggest/": {"text": "A caller without hope."},
    "/api/sessions/": {"type": "free_practice", "mode": "chat"},
    "/api/sessions/{chat}/messages/": {"content": "hello"},
    "/api/sessions/{call}/ticket/": {"take_over": False},
    "/api/scenarios/": {"title": "Night shift", "prompt": "You are Dana."},
    "/api/scenarios/{scenario}/promote/": {"nothing_personal_left": True},
    "/api/scenarios/lint/": {"prompt": "You are Dana."},
    "/api/scenarios/import/": [{"title": "Night shift again", "prompt": "You are Dana."}],
    "/api/scenarios/drafts/": {"source": "They waited for a long time, and nobody asked what for."},
    "/api/scenarios/drafts/{draft}/again/": {"instructions": "Angrier."},
    "/api/scenarios/drafts/{draft}/save/": {"title": "The wait", "prompt": "You are Noor."},
    "/api/assignments/one-time/": {"scenario": {"title": "No prompt"}, "counselors": []},
}

# Models in the admin site, each with the rights that its pages offer: v(iew), a(dd), c(hange), d(elete). A role has
# those that the permission table gives it. Counselors get the login page.
OFFERED_IN_ADMIN = {
    "accounts.account": "vac",
    "accounts.organization": "vc",
    "accounts.servicetoken": "va",
    "accounts.webhook": "vacd",
    "accounts.proceduredocument": "v",
    "accounts.user": "vac",
    "accounts.cohort": "vacd",
    "scenarios.category": "vacd",
    "scenarios.skill": "vacd",
    "scenarios.scenario": "vacd",
    "scenarios.importjob": "va",
    "scenarios.scenariodraft": "vac",
    "training.assignment": "vac",
    "training.session": "v",
    "recordings.recording": "vc",
    "evaluation.evaluation": "vc",
    "evaluation.guidelines": "va",
    "auth.group": "",
}
# Rights that follow from the permission on another model: sessions are shown with their feedback, and reviews are added
# on the page of the evaluation.
OTHER_PERMISSIONS = {
    ("training.session", "v"): "evaluation.view_evaluation",
    ("evaluation.evaluation", "c"): "evaluation.add_review",
}
SAVED_WHEN_EMPTY = {"recordings.recording"}  # an empty form is valid and means no legal hold
NOT_DELETABLE = {"scenarios.scenario"}  # the scenario is assigned, so the page refuses to delete it
# Models whose rows every role of the organization can tell from missing ones, because they hold nobody's data.
SHOWN_WITHOUT_RIGHT = {
    "accounts.organization",
    "accounts.proceduredocument",
    "scenarios.category",
    "scenarios.skill",
    "evaluation.guidelines",
}
SUPERUSER_MODELS = {model for model, offered in OFFERED_IN_ADMIN.items() if not offered}


@pytest.fixture
def objects(counselor, chat, call, phone_assignment, chat_assignment, account, supervisor, admin):
    """Create one object of each kind in the first organization, owned by the counselor where possible."""
    over = Session.objects.create(
        organization=counselor.organization, counselor=counselor, kind="free_practice", mode="phone",
        status="completed", ended_at=call.started_at,
    )  # fmt: skip
    recording = Recording(session=over, organization_id=over.organization_id, state="completed", size=3, sha256="x")
    recording.file.save("r.wav", ContentFile(b"wav"))
    Evaluation.objects.queue_for(over)
    reviewed = Session.objects.create(
        organization=counselor.organization, counselor=counselor, kind="free_practice", mode="chat",
        status="completed", ended_at=call.started_at,
    )  # fmt: skip
    graded = Evaluation.objects.create(
        session=reviewed, organization_id=over.organization_id, version=1, status="completed", score=80, grade="B",
    )  # fmt: skip
    DocumentationReview.objects.create(organization=over.organization, session=reviewed, filename="d.txt", text="x")
    guidelines = Guidelines.objects.create(
        organization=over.organization, filename="g.txt", text="Sign it.", uploaded_by=supervisor
    )
    criterion = CriterionResult.objects.create(
        evaluation=graded, organization_id=over.organization_id, position=0, key="greeting", check_text="Greets.",
        source="rubric", verdict="met",
    )  # fmt: skip
    flag = Flag.objects.create(
        session=reviewed, organization_id=over.organization_id, kind="technical", severity="info"
    )
    cohort = Cohort.objects.create(organization_id=over.organization_id, name="Spring class")
    token, _ = issue_service_token(admin, "Learning system", ["sessions:read"])
    webhook = add_webhook(admin, "https://learning.example.org/", ["evaluation.ready"])
    document = upload_procedures(account, ContentFile(b"1010 Answer.", name="p.md"), supervisor)
    account.procedures = document
    account.save()
    section = ProcedureSection.objects.create(
        organization=over.organization, document=document, position=0, number="1010", title="Answer."
    )
    invitation = invite_people(admin, "new@example.org", "counselor").invited[0]
    scenario = phone_assignment.scenario
    job = ImportJob.objects.create(organization=counselor.organization, source="api", sha256="x")
    draft = ScenarioDraft.objects.create(
        organization=counselor.organization, source="A complaint.", status=ScenarioDraft.Status.READY
    )
    comment = Comment.objects.create(
        organization=counselor.organization, session=over, author=supervisor, at_ms=0, text="Well asked."
    )
    return {
        "account": account.pk,
        "document": document.pk,
        "section": section.pk,
        "step": "caller",
        "documented": reviewed.pk,
        "evaluation.guidelines": guidelines.pk,
        "graded": graded.pk,
        "flag": flag.public_id,
        "person": counselor.pk,
        "cohort": cohort.pk,
        "invitation": invitation.pk,
        "token": token.pk,
        "webhook": webhook.pk,
        "accounts.cohort": cohort.pk,
        "accounts.servicetoken": token.pk,
        "accounts.webhook": webhook.pk,
        "criterion": criterion.key,
        "comment": comment.pk,
        "chat": chat.pk,
        "call": call.pk,
        "over": over.pk,
        "recording": recording.pk,
        "phone_assignment": phone_assignment.pk,
        "chat_assignment": chat_assignment.pk,
        "scenario": scenario.pk,
        "draft": draft.pk,
        "import": job.pk,
        "session_type": ContentType.objects.get_for_model(Session).pk,
        "accounts.account": account.pk,
        "accounts.organization": counselor.organization_id,
        "accounts.proceduredocument": document.pk,
        "accounts.user": counselor.pk,
        "scenarios.category": counselor.organization.categories.first().pk,
        "scenarios.skill": counselor.organization.skills.first().pk,
        "scenarios.scenario": scenario.pk,
        "scenarios.importjob": job.pk,
        "scenarios.scenariodraft": draft.pk,
        "training.assignment": phone_assignment.pk,
        "training.session": reviewed.pk,
        "recordings.recording": recording.pk,
        "evaluation.evaluation": graded.pk,
        "auth.group": Group.objects.create(name="a group").pk,
    }


NOBODY_AT_API = "401"
MISSING_NUMBER = "2147483647"  # of a section of procedures, whose key is a number
ROLES = {"colleague": "counselor", "stranger": "supervisor"}  # of people who are not named after their role


def has_permission(who: str, permission: str) -> bool:
    model, action = split_permission(permission)
    return action in ROLE_PERMISSIONS[ROLES.get(who, who)].get(model, frozenset())


def is_everyones_own(permission: str) -> bool:
    model, action = split_permission(permission)
    return action in OWN_PERMISSIONS.get(model, frozenset())


def split_permission(permission: str) -> tuple[str, str]:
    app, _, codename = permission.partition(".")
    action, _, model = codename.partition("_")
    return f"{app}.{model}", action


def expected_answer(row: list[str], who: str) -> str:
    """Return the expected answer of a row, from its own column or from the permission table."""
    _method, path, *cells = row
    if len(cells) == len(PEOPLE):
        return cells[PEOPLE.index(who)]
    permission, allowed, refused = cells
    allowed, _, owner_allowed = allowed.partition("/")
    if who == "nobody":
        return NOBODY_AT_API if path.startswith("/api/") else "login"
    if who == "stranger" and "{" in path and has_permission(who, permission):
        return "404"
    if who == "counselor" and "{" in path and is_everyones_own(permission):
        return owner_allowed or allowed
    return allowed if has_permission(who, permission) else refused


def describe_answer(response: HttpResponse) -> str:
    if response.status_code not in {301, 302}:
        return str(response.status_code)
    path = response["Location"].split("?")[0]
    return {"/": "home", "/account/login/": "login", "/admin/login/": "login"}.get(path, "away")


def request_without_effects(client: Client, method: str, path: str, body: Any = None) -> HttpResponse:
    """Return the response to a request, and undo its effects on the database, the cookies, and the cache."""
    cookies = copy(client.cookies)
    kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    with transaction.atomic():
        # The invalid due date keeps forms from saving: only the permission to submit them is under test.
        is_form = method == "POST" and not path.startswith("/api/")
        sent = json.dumps(body) if body else "due_date=never" if is_form else ""
        response = client.generic(method, path, sent, content_type=kind)
        transaction.set_rollback(True)
    client.cookies = cookies
    cache.clear()
    return response


# `make test` runs one role of each kind (owner, managing reviewer, reviewer, other organization, visitor);
# `make prove` runs all of them.
TESTED_ROLES = PEOPLE if IS_PROVE_RUN else ["counselor", "supervisor", "evaluator", "stranger", "nobody"]


@pytest.fixture(params=TESTED_ROLES)
def who(request) -> str:
    return request.param


@pytest.fixture(autouse=True)
def without_waiting_for_greetings(monkeypatch):
    """Set the greeting timeout to 0 s, because a new chat would wait for a greeting that no worker writes here."""
    monkeypatch.setattr("training.views.practice.GREETING_TIMEOUT", 0.0)


@pytest.fixture
def client(who, request, db) -> Client:
    return Client() if who == "nobody" else client_of(request.getfixturevalue(who))


def test_routes_answer_each_role_as_expected(who, client, objects):
    rows = [line.split() for line in EXPECTED_ANSWERS.splitlines() if line]

    answered = {
        (method, path): describe_answer(
            request_without_effects(client, method, path.format_map(objects), REQUEST_BODIES.get(path))
        )
        for method, path, *_ in rows
    }

    declared = {(row[0], row[1]): expected_answer(row, who) for row in rows}
    assert {row: (answered[row], declared[row]) for row in declared if answered[row] != declared[row]} == {}


def test_routes_refuse_methods_missing_from_the_table(who, client, objects):
    rows = [
        line.split()[:2] for line in EXPECTED_ANSWERS.splitlines() if line and not re.search("/(admin|account)/", line)
    ]
    # The table requests downloads by HEAD, which stands for GET here.
    taken = {("GET" if method == "HEAD" else method, path_pattern(path)) for method, path in rows}
    paths = {path for _, path in rows}

    wrong = {
        (method, path): answered
        for path, method in product(sorted(paths), ("GET", "POST", "PUT", "PATCH", "DELETE"))
        if (method, path_pattern(path)) not in taken
        and (answered := describe_answer(request_without_effects(client, method, path.format_map(objects))))
        not in {"405", "404", "403", "401", "login"}
    }

    assert wrong == {}


def path_pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


ADMIN_ACTIONS = {
    "changelist": ("v", "/admin/{}/{}/", "200"),
    "add": ("a", "/admin/{}/{}/add/", "200"),
    "history": ("v", "/admin/{}/{}/{}/history/", "200"),
    "delete": ("d", "/admin/{}/{}/{}/delete/", "200"),
    "change": ("v", "/admin/{}/{}/{}/change/", "200"),
}


ACTION_LETTERS = {"v": "view", "a": "add", "c": "change", "d": "delete"}


def rights_of(who: str, model: str) -> str:
    app, name = model.split(".")
    permissions = {
        letter: OTHER_PERMISSIONS.get((model, letter), f"{app}.{ACTION_LETTERS[letter]}_{name}")
        for letter in OFFERED_IN_ADMIN[model]
    }
    return "".join(letter for letter, permission in permissions.items() if has_permission(who, permission))


def expected_admin_answer(who: str, model: str, action: str, method: str, is_known: bool) -> str:
    """Return the expected answer: `login`, `403`, `200`, or `away` (not the role's own row, or saved or deleted)."""
    if who in {"counselor", "colleague", "nobody"}:
        return "login"
    needed = "c" if method == "POST" and action == "change" else ADMIN_ACTIONS[action][0]
    is_allowed = needed in rights_of(who, model)
    is_own = is_known and (who != "stranger" or model in SUPERUSER_MODELS)
    if model not in SHOWN_WITHOUT_RIGHT | SUPERUSER_MODELS and not rights_of(who, model):
        is_own = False
    # Django looks up the row before it checks the permission only in the history view.
    if action in {"history", "delete", "change"} and not is_own and (is_allowed or action == "history"):
        return "away"
    if not is_allowed:
        return "403"
    is_deleted = (method, action) == ("POST", "delete") and model not in NOT_DELETABLE
    is_saved = (method, action) == ("POST", "change") and model in SAVED_WHEN_EMPTY
    return "away" if is_deleted or is_saved else "200"


def test_admin_site_answers_each_role_as_expected(who, client, objects):
    wrong = {}
    for model, action, method, is_known in product(OFFERED_IN_ADMIN, ADMIN_ACTIONS, ("GET", "POST"), (True, False)):
        app, name = model.split(".")
        path = ADMIN_ACTIONS[action][1].format(app, name, objects[model] if is_known else uuid4())
        answered, declared = (
            describe_answer(request_without_effects(client, method, path)),
            expected_admin_answer(who, model, action, method, is_known),
        )
        if answered != declared:
            wrong[model, action, method, is_known] = (answered, declared)

    assert wrong == {}


def test_every_route_is_in_the_tables():
    known = {re.sub(r"\{[\w.]+\}|x:y|1-x", "{}", line.split()[1]) for line in EXPECTED_ANSWERS.splitlines() if line}
    for model in OFFERED_IN_ADMIN:
        app, name = model.split(".")
        known |= {path.format(app, name, "{}") for _, path, _ in ADMIN_ACTIONS.values()} | {
            f"/admin/{app}/{name}/{{}}/"
        }
    known |= {"/progress/{}/", "/guides/{}/", "/admin/accounts/user/{}/password/", "/admin/{}/", "/admin/{}"}

    def shape(route: str) -> str:
        plain = re.sub(r"<[^>]+>", "{}", route)
        plain = re.sub(r"\^|\$", "", plain)
        plain = re.sub(r"\(\?P\{\}(?:[^()]|\([^()]*\))*\)", "{}", plain)
        return plain.replace("{}-{}", "{}")

    found = {shape(route.path) for route in site_routes()}

    assert found - known == set()
    assert len(found) > 90


def test_hidden_objects_answer_like_missing_ones(objects, colleague, stranger):
    for person in (colleague, stranger):
        client = client_of(person)
        for line in EXPECTED_ANSWERS.splitlines():
            if not line or "{" not in line or "/admin/" in line:
                continue
            method, path = line.split()[:2]
            if expected_answer(line.split(), "colleague" if person == colleague else "stranger") == "200":
                continue  # theirs to see, such as a scenario of the library
            unknown = re.sub(r"\{[\w.]+\}", str(uuid4()), path.replace("{section}", MISSING_NUMBER))
            theirs = request_without_effects(client, method, path.format_map(objects), REQUEST_BODIES.get(path))
            nothing = request_without_effects(client, method, unknown, REQUEST_BODIES.get(path))
            # A role without any rights on the model gets 403 for existing and missing rows alike.
            expected_status = int(expected_answer(line.split(), "colleague" if person == colleague else "stranger"))
            assert theirs.status_code == nothing.status_code == expected_status, (method, path)
            assert body_without_csrf_token(theirs) == body_without_csrf_token(nothing), (method, path)
            assert sorted(theirs.headers) == sorted(nothing.headers)


@pytest.mark.parametrize("bad", ["717", "None", "..", "%00", "0" * 36, "a" * 500])
def test_malformed_id_is_not_found(objects, supervisor, bad):
    client = client_of(supervisor)
    paths = [
        line.split()[1] for line in EXPECTED_ANSWERS.splitlines() if line and "{" in line and "/admin/" not in line
    ]

    assert {
        path: status for path in paths if (status := client.get(re.sub(r"\{[\w.]+\}", bad, path)).status_code) != 404
    } == {}
