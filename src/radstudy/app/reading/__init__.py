"""Reading: who reads what and in which order, masks and answers as they are stored, and the record that is written.

`cases.py` finds what is read, `roster.py` who reads it, in which order and under which pseudonym, `forms.py` what is
asked, `strokes.py` how a drawing is put together, `arbitration.py` makes two readers' answers one. `storage.py` keeps
all of it in one database: the lead's part is in `lead_storage.py`, rows in `stored_*.py`, tables in `schema.py`,
opening in `database.py`, where it may lie in `local_disk.py`, why something is refused in `refusals.py`. Nothing here
imports a web library.
"""
