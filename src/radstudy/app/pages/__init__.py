"""The study lead's pages: routes and templates, one pair a page; what they show and do is in `radstudy.app.lead`.

server         the server of a folder of studies: the guard, the link, the routes
shell          texts, templates, and the frame around every page
study_page     a page on one study: what it shows, what is asked and what is done; study_pages lists them
jobs           commands that pages have started, as they go on
home           the list of studies, and new ones
overview       one study: its stages and the next thing to do
import_        images in, questions answered by looking, holes, the study file
protocol       the study file by forms
cohort         the table of patients
reading        who has drawn what, and the way into the reading room
run, results   starting and watching a run; the report, its files, sealed results
"""
