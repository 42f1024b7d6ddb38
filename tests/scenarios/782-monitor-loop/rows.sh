# rows.sh SEED ROWS SHIFT: a table of x and z from 0 to 1, and y = 3x - z + SHIFT + noise
awk -v seed="$1" -v rows="$2" -v shift="$3" '
function unit() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
BEGIN { print "x,z,y"
  for (i = 0; i < rows; i++) { x = unit(); z = unit()
    printf "%.6f,%.6f,%.6f\n", x, z, 3 * x - z + shift + (unit() + unit() + unit() - 1.5) / 5 } }'
