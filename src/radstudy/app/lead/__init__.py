"""The study lead's view of a study: from its files, and back to them. Knows no web server.

projects    the studies of a folder, each with its files
flow        the way from the images to the report: the state of each stage, and the next thing to do
jobs        commands as processes of their own, which outlive page and server
places      folders of this computer, to choose from
importing   the import's command, its choices, and what is tried beforehand
reviewing   what the import could not decide, and which patient lacks which role
study_of_import  the study file that fits an import, with outcomes by hospital number
"""
