"""What the checks of onboarding judge, measured (`facts`); and running them (`runs`)."""
