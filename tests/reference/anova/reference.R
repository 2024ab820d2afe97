# Rscript reference.R > values.csv, in this folder, with R 4.2 and car 3.1.
# Analyses of variance with type III sums of squares, Greenhouse and Geisser's epsilon and p.
suppressMessages(library(car))
options(contrasts = c("contr.sum", "contr.poly"))
cells <- read.csv("cells.csv")
line <- function(study, n, effect, values)
  cat(study, n, gsub(":", "*", effect), paste(sprintf("%.10g", values), collapse = ","), sep = ",", fill = 500)
cat("study,n,effect,df,df_error,F,p,epsilon,p_corrected\n")
for (study in unique(cells$study)) {
  own <- cells[cells$study == study, ]
  factors <- Filter(function(f) length(unique(own[[f]])) > 1, c("scheme", "reference_condition", "group"))
  own[factors] <- lapply(own[factors], factor)
  within <- Filter(function(f) any(table(unique(own[c("participant", f)])$participant) > 1), factors)
  between <- setdiff(factors, within)
  if (length(within) == 0) {
    n <- nrow(own)
    found <- Anova(lm(reformulate(paste(between, collapse = "*"), "value"), own), type = 3)
    error <- found["Residuals", "Df"]
    for (effect in setdiff(rownames(found), c("(Intercept)", "Residuals"))) {
      one <- found[effect, ]
      line(study, n, effect, c(one$Df, error, one$F, one$`Pr(>F)`, 1, one$`Pr(>F)`))
    }
    next
  }
  own$cell <- do.call(paste, own[within])
  idata <- unique(own[c(within, "cell")])
  wide <- reshape(own[c("participant", between, "cell", "value")], direction = "wide",
                  idvar = c("participant", between), timevar = "cell")
  wide <- wide[complete.cases(wide), ]
  Y <- as.matrix(wide[paste0("value.", idata$cell)])
  right <- if (length(between)) paste(between, collapse = "*") else "1"
  if (nrow(Y) == 2) {
    # The multivariate tests of Anova() cannot be made; anova() makes the univariate ones alone.
    found <- anova(lm(Y ~ 1), X = ~1, test = "Spherical", idata = idata)
    line(study, 2, within, c(found$Df[1] * (ncol(Y) - 1), found$`den Df`[1], found$F[1], found$`Pr(>F)`[1],
                             attr(found, "heading") |> grep(pattern = "Greenhouse", value = TRUE) |>
                               sub(pattern = "[^0-9]*([0-9.]+).*", replacement = "\\1") |> as.numeric(),
                             found$`G-G Pr`[1]))
    next
  }
  full <- Anova(lm(as.formula(paste("Y ~", right)), wide), idata = idata[within],
                idesign = reformulate(paste(within, collapse = "*")), type = 3)
  found <- summary(full, multivariate = FALSE)
  tests <- found$univariate.tests
  corrected <- found$pval.adjustments
  for (effect in setdiff(rownames(tests), "(Intercept)")) {
    gg <- if (effect %in% rownames(corrected)) corrected[effect, c("GG eps", "Pr(>F[GG])")] else
      c(1, tests[effect, "Pr(>F)"])
    line(study, nrow(Y), effect,
         c(tests[effect, c("num Df", "den Df", "F value", "Pr(>F)")], gg))
  }
  if (length(between) == 0) {
    # Classical strata agree.
    term <- paste(within, collapse = "*")
    strata <- summary(aov(as.formula(paste0("value ~ ", term, " + Error(participant/(", term, "))")), own))
    for (effect in setdiff(rownames(tests), "(Intercept)"))
      stopifnot(all.equal(strata[[paste0("Error: participant:", effect)]][[1]][1, "F value"],
                          tests[[effect, "F value"]]))
  }
}
