"""The study lead's view of a study: from its files, and back to them. Knows no web server.

projects    the studies of a folder, each with its files
flow        the way from the images to the report: the state of each stage, and the next thing to do
jobs        commands as processes of their own, which outlive page and server
places      folders of this computer, to choose from

protocol_settings   every setting as written, in force and by the preset, with its errors
protocol_edits      a form's edits, done to the text of the study file
protocol_page       the form, its counts, and saving without overwriting another

cohort_table      the cohort table as a sheet, written back cell by cell
cohort_checks     its problems beside their cells, and counts
pasted_outcomes   outcomes by hospital number, matched in memory
codebook_page     clinical variables, and proposals
importing   the import's command, its choices, and what is tried beforehand
reviewing   what the import could not decide, and which patient lacks which role
study_of_import  the study file that fits an import, with outcomes by hospital number

    beginning   a new study
    readers     who has drawn what, and the command of the reading room
    running     the run: its command, steps, failed cases; pictures shows one of those
    results     the files of the results, two runs compared, unsealing
"""
