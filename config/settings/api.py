"""REST framework and the schema of the API."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one names the scheme in `WWW-Authenticate`. Without a scheme, DRF would answer 403 instead of 401.
        "accounts.integrations.service_tokens.ServiceTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.web.request_inputs.RequestInputCheck"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.api_exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Steadyline",
    "VERSION": "1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.describe_errors",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Enums with equal field names or equal values need explicit names.
    "ENUM_NAME_OVERRIDES": {
        "SpeakerEnum": "scenarios.models.Opener",
        "ImportStatusEnum": "scenarios.models.ImportJob.Status",
        "ImportSourceEnum": "scenarios.models.ImportJob.ImportSource",
        "DraftStatusEnum": "scenarios.models.ScenarioDraft.Status",
        "SessionStatusEnum": "training.models.Session.Status",
        "AssignmentStatusEnum": "training.models.Assignment.Status",
        "EvaluationStatusEnum": "evaluation.models.Evaluation.Status",
        "ProceduresStatusEnum": "accounts.models.ProcedureDocument.Status",
        "SessionKindEnum": "training.models.Session.Kind",
        "FlagKindEnum": "evaluation.models.flag_kinds.FlagKind",
        "ReportKindEnum": "evaluation.models.flag_kinds.ProblemReportKind",
        "EventEnum": "accounts.models.WebhookEvent",
        "VerdictEnum": "evaluation.models.CriterionResult.Verdict",
    },
}
