"""The reading room's web server.

`server` runs it; `security` says which requests are heard at all, `sessions` who sends them. What they ask for is in
`reader_routes` and `lead_routes`, which call the room (`needs.Room`) and turn its answers into JSON. `volumes` gives
the images, `events` tells open pages of what has changed, `running` finds the server that a study already has.
"""
