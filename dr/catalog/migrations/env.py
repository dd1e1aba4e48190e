"""Run by Alembic with the connection that `store` opened: everything happens in that one transaction, so a kill leaves the old version."""

from alembic import context

from dr.catalog.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
