"""The browser's side of a study: the reading room, where readers draw and describe lesions.

`reading/` holds what is true whatever the transport (who reads what, what is stored, what a mask is); `web/` serves it;
`static/` is what the browser runs.
"""
