"""Second opinions: compare two databases with tools that share no code with this project.

Nothing here decides or changes anything. `pg_dump` compares the dumps of PostgreSQL's own tool. `migra` runs
another schema differ, which covers some kinds of objects.
"""
