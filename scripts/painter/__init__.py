"""A seeded painter of procedural pictures: nobody's copyright, any number, any size.

programs = draw_programs(100, rng)             what 100 kinds of picture have in common
sketch = draw_sketch(programs, rng)            one instance of each: places, colours, counts
images, factors = paint(sketch, 64, rng)       uint8 [100, 3, 64, 64], and what each picture shows
"""

from painter.canvas import Factors as Factors
from painter.canvas import paint as paint
from painter.programs import Programs as Programs
from painter.programs import draw_programs as draw_programs
from painter.sketches import Sketch as Sketch
from painter.sketches import draw_sketch as draw_sketch
