"""Commands for people who work on the code: replay a case, begin a case, begin a kind."""
