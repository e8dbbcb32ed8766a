import unittest

import app


class Greeting(unittest.TestCase):
    def test_it_greets(self):
        self.assertEqual(app.greeting(), "Hello")
