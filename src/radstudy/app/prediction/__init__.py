"""The service of one signature: predictions over HTTP, and a page for one patient.

`server` runs it, guarded as the reading room is (`radstudy.app.web.security`, `.sessions`). `routes` answers: values at
once, images in the order of `line`, each read in a process of its own (`work`). `uploads` receives files block by block
into a private folder, `answers` says in the sender's words what is wrong, `openapi` describes all of it, and `audit`
notes what was asked without a patient's data.
"""
