"""Reading: who reads what and in which order, masks and answers as they are stored, and the record that is written.

`cases.py` finds what is read, `roster.py` who reads it, in which order and under which pseudonym, `forms.py` what is
asked, `strokes.py` how a drawing is put together, `storage.py` keeps all of it in one database (`schema.py` has its
tables, `local_disk.py` says where it may lie), `arbitration.py` makes two readers' answers one. Nothing here imports a
web library.
"""
