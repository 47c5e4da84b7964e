"""The synthetic cohort that `radstudy demo` generates from a seed, with the reference study's margins."""
