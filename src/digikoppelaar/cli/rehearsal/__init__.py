"""Rehearsing an aansluiting: everything that it takes, in a world of its own on this machine.

country   who takes part
world     the processes, the configuration and the database
national  what people of the national side do
deeds     what has to be done for each step
walk      from step to step, by the one next action of the product itself
faults    what can be wrong
report    what came of it
"""
