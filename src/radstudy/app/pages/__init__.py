"""The study lead's pages: routes and templates, one pair a page; what they show and do is in `radstudy.app.lead`.

server         the server of a folder of studies: the guard, the link, the routes
shell          texts, templates, and the frame around every page
study_page     a page on one study: what it shows, and what can be done on it
home           the list of studies, and new ones
protocol       the study file by forms
overview       one study: its stages and the next thing to do
import_        images in, questions answered by looking, holes, the study file
"""
