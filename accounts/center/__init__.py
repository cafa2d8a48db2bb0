"""Pages on which a center is set up: people, invitations, cohorts, integrations, and settings."""
