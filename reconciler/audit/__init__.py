"""Second opinions: what others, who share no code with this project, say about two databases.

Nothing here decides or changes anything. `pg_dump` compares what PostgreSQL's own tool writes; `migra` asks
another differ about the kinds that it can see.
"""
