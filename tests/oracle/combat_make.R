# ComBat by sva: Rscript combat_make.R CASES.json RESULTS.json, called by combat_make.py. Debian: r-bioc-sva, r-cran-jsonlite.
suppressMessages({library(sva); library(jsonlite)})
paths <- commandArgs(TRUE)
cases <- fromJSON(paths[1], simplifyVector = FALSE)

as_table <- function(rows) {
  do.call(rbind, lapply(rows, function(row) sapply(row, function(x) if (is.null(x)) NA_real_ else as.numeric(x))))
}

# iterated to the end, where sva stops at a relative change of 1e-4
to_the_end <- function() {
  f <- sva:::it.sol
  formals(f)$conv <- 1e-13
  assignInNamespace("it.sol", f, "sva")
}

# with a missing value anywhere sva divides all pooled variances by n - 1 instead of n: here by n, as without one
pooled_by_n <- function() {
  text <- deparse(sva::ComBat)
  text <- paste(text[!grepl("^<", text)], collapse = "\n")
  lines <- c("dat - t\\(design %\\*% B.hat\\)", "ref.dat - t\\(design\\[batches\\[\\[ref\\]\\],\\s*\\] %\\*% B.hat\\)")
  for (line in lines) {
    old <- paste0("rowVars\\((", line, "),\\s*na.rm = TRUE\\)")
    stopifnot(grepl(old, text))
    text <- sub(old, "rowMeans((\\1)^2, na.rm = TRUE)", text)
  }
  f <- eval(parse(text = text))
  environment(f) <- asNamespace("sva")
  f
}

run <- function(case, combat) {
  mod <- if (length(case$covariates[[1]])) as_table(case$covariates) else NULL
  reference <- if (nzchar(case$reference)) case$reference else NULL
  suppressMessages(capture.output(
    result <- combat(t(as_table(case$values)), unlist(case$sites), mod = mod, mean.only = case$mean_only,
                     ref.batch = reference)))
  unname(t(result))
}

usual <- lapply(cases, run, combat = sva::ComBat)
to_the_end()
patched <- pooled_by_n()
exact <- lapply(cases, function(case) run(case, if (case$missing) patched else sva::ComBat))
write_json(list(usual = usual, exact = exact), paths[2], digits = NA, na = "null")
