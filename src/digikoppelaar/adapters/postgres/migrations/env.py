"""Alembic's entry: the connection comes from `digikoppelaar.adapters.postgres.migrate`, already in a transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    on_version_apply=context.config.attributes["on_version_apply"],
)
with context.begin_transaction():
    context.run_migrations()
