"""The synthetic cohort that `radstudy demo` makes from a seed, with the reference study's margins."""
