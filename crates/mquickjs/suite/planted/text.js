var s = "12" + "34.5"; if (+s !== 1234.5 || parseFloat(s + "x") !== 1234.5) throw new Error("lost");
