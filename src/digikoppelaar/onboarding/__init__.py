"""Connecting an authority to DSO-LV and KOOP: what must be done, by whom, and how far it is. Pure.

model     steps, findings and subjects as values
states    the states of a step: one table
progress  of all steps of a subject: what is done, what waits for whom, and the one next action
evidence  what is shown and said of a step that is done
"""
