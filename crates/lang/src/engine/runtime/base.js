// What the other parts of the run-time share.
(function (G, R) {
})
