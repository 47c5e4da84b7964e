# Make external_inputs.csv and external.csv: an external cohort, and its measures by R 4.2.2 alone.
# Rscript external_make.R, in this folder. mb.c is the function of van Klaveren et al., Stat Med 2016;35:4136, appendix.
set.seed(20)
n <- 150
x1 <- rnorm(n); x2 <- rnorm(n)
lp <- -0.3 + 0.9 * x1 - 0.5 * x2
y <- rbinom(n, 1, plogis(-0.8 + 0.6 * lp + 0.4 * x2))
write.csv(data.frame(x1 = x1, x2 = x2, y = y), "external_inputs.csv", row.names = FALSE)

mb.c <- function(p.hat) {
  n <- length(p.hat)
  p.hat <- p.hat[order(p.hat)]
  q.hat <- 1 - p.hat
  V1 <- (p.hat * (cumsum(q.hat) - q.hat) + q.hat * (sum(p.hat) - cumsum(p.hat))) / (n - 1)
  V2 <- (p.hat * (sum(q.hat) - q.hat) + q.hat * (sum(p.hat) - p.hat)) / (n - 1)
  sum(V1) / sum(V2)
}
p <- plogis(lp)
large <- glm(y ~ offset(lp), family = binomial)
slope <- glm(y ~ lp, family = binomial)
refit <- glm(y ~ x1 + x2, family = binomial)
ratio <- sum(y) / sum(p)
half <- qnorm(0.975) * sqrt((1 - mean(y)) / sum(y))
wald <- function(fit, at) coef(fit)[at] + c(-1, 1) * qnorm(0.975) * sqrt(vcov(fit)[at, at])
values <- c(
  concordance = mb.c(p), concordance_recalibrated = mb.c(fitted(slope)),
  in_the_large = coef(large)[[1]], in_the_large_low = wald(large, 1)[1], in_the_large_high = wald(large, 1)[2],
  slope = coef(slope)[[2]], slope_low = wald(slope, 2)[1], slope_high = wald(slope, 2)[2], slope_intercept = coef(slope)[[1]],
  refit_intercept = coef(refit)[[1]], refit_x1 = coef(refit)[[2]], refit_x2 = coef(refit)[[3]],
  oe = ratio, oe_low = ratio * exp(-half), oe_high = ratio * exp(half)
)
write.csv(data.frame(name = names(values), value = format(values, digits = 15)), "external.csv", row.names = FALSE, quote = FALSE)
