"""Write version_1.sql: a database of version 1 of the tables, as text.

    PYTHONPATH=src:tests python tests/unit/app/reading/samples/make_version_1.py

Made once, by the first version; never again, because it has to stay what that version wrote.
"""

import sqlite3
import tempfile
from pathlib import Path

from radstudy.app.reading.forms import SequenceAnswer
from unit.app.reading.test_storage import TAB, Clock, close, draw, filled, next_of

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "room.sqlite"
    with filled(file, Clock()) as storage:
        case = next_of(storage)
        storage.open_case(case, TAB)
        for number in range(66):
            draw(storage, case, number, [[number, 1, 3]], image="prepared")
        said = {"T2WI": SequenceAnswer(visible=True, evaluable=True, quality=4)}
        storage.save_answers(case, TAB, 0, {"comment": "first"}, said)
        close(storage, case)
    with sqlite3.connect(file) as database:
        pragmas = [f"PRAGMA {name} = {database.execute(f'PRAGMA {name}').fetchone()[0]};" for name in
                   ("application_id", "user_version")]  # fmt: skip
        lines = [line for line in database.iterdump() if "sqlite_sequence" not in line]
    database.close()
Path(__file__).with_name("version_1.sql").write_text("\n".join([*pragmas, *lines]) + "\n", encoding="utf-8")
