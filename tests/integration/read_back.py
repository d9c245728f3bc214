"""Reads the tables of a folder as analysts do, CSV with Python's csv module or with pandas and Parquet with
DuckDB, and compares every cell with what is expected.

Usage: read_back.py csv|pandas|duckdb EXPECTED.json FOLDER DELIMITER DECIMAL. Prints how many cells agree.
"""

import csv
import json
import math
import sys
from pathlib import Path


def with_csv(path, delimiter, _decimal):
    with open(path, newline="", encoding="utf-8-sig") as file:
        names, *rows = csv.reader(file, delimiter=delimiter)
    return names, [[None if cell == "" else cell for cell in row] for row in rows]


def with_pandas(path, delimiter, decimal):
    import pandas

    # The shortest call that reads the dialect, but that pandas rounds some numbers unless told otherwise.
    how = {} if delimiter == "," else {"sep": delimiter, "decimal": decimal}
    table = pandas.read_csv(path, float_precision="round_trip", low_memory=False, **how)
    rows = table.astype(object).where(table.notna(), None).values.tolist()
    return list(table.columns), rows


def with_duckdb(path, _delimiter, _decimal):
    import duckdb

    # The dictionary of columns is CSV all the same.
    parquet = path.with_suffix(".parquet")
    if not parquet.exists():
        return with_csv(path, ",", ".")
    table = duckdb.sql(f"select * from read_parquet('{parquet}')")
    return table.columns, table.fetchall()


def number(cell, decimal):
    if isinstance(cell, str):
        if decimal != ".":
            if "." in cell:
                return None
            cell = cell.replace(decimal, ".")
        try:
            return float(cell)
        except ValueError:
            return None
    return None if cell is None or isinstance(cell, bool) else float(cell)


def agrees(cell, expected, decimal):
    if expected is None:
        return cell is None
    if isinstance(expected, (float, int)):
        found = number(cell, decimal)
        return found is not None and math.isfinite(found) and found == expected
    if isinstance(cell, bool):
        cell = str(cell).lower()
    return cell == expected


def main(reader, expected, folder, delimiter, decimal):
    read = {"csv": with_csv, "pandas": with_pandas, "duckdb": with_duckdb}[reader]
    cells = 0
    for table, (names, rows) in json.loads(Path(expected).read_text(encoding="utf-8")).items():
        found_names, found = read(Path(folder) / f"{table}.csv", delimiter, decimal)
        if found_names != names:
            sys.exit(f"{table}: columns {found_names}, expected {names}")
        if len(found) != len(rows):
            sys.exit(f"{table}: {len(found)} rows, expected {len(rows)}")
        for place, (got, wanted) in enumerate(zip(found, rows), start=1):
            if len(got) != len(wanted):
                sys.exit(f"{table}, row {place}: {len(got)} cells, expected {len(wanted)}")
            for name, cell, value in zip(names, got, wanted):
                if not agrees(cell, value, decimal):
                    sys.exit(f"{table}.{name}, row {place}: {cell!r}, expected {value!r}")
                cells += 1
    print(cells)


main(*sys.argv[1:])
