"""The store: tables, queries named as questions, migrations. The only place of the controller that writes SQL."""
