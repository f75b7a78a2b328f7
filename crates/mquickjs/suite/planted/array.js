var a = new Array(1, 2, 3), b = [4, 5]; if (a[2] + b[1] !== 8) throw new Error("lost");
