// The k greatest elements of each row, falling, and where they are; the first of equals first. NaN is never greater.

@inline
function topK<T>(x: usize, values: usize, indices: usize, rows: i32, n: i32, k: i32): void {
  for (let i = 0; i < rows; i++) {
    let count = 0;
    for (let j = 0; j < n; j++) {
      const v = load<T>(x + (<usize>j << 2));
      let place = count;
      if (count == k) {
        const last = load<T>(values + (<usize>(k - 1) << 2));
        if (v != v || v <= last) continue;
        place--;
      } else {
        count++;
      }
      // Everything that is not at least v moves down by one.
      if (v == v) {
        for (; place > 0 && !(load<T>(values + (<usize>(place - 1) << 2)) >= v); place--) {
          const from = <usize>(place - 1) << 2;
          store<T>(values + from, load<T>(values + from), 4);
          store<i32>(indices + from, load<i32>(indices + from), 4);
        }
      }
      store<T>(values + (<usize>place << 2), v);
      store<i32>(indices + (<usize>place << 2), j);
    }
    x += <usize>n << 2;
    values += <usize>k << 2;
    indices += <usize>k << 2;
  }
}

/** 1 ≤ k ≤ n. */
export function topKFloat(x: usize, values: usize, indices: usize, rows: i32, n: i32, k: i32): void {
  topK<f32>(x, values, indices, rows, n, k);
}

export function topKInt(x: usize, values: usize, indices: usize, rows: i32, n: i32, k: i32): void {
  topK<i32>(x, values, indices, rows, n, k);
}
