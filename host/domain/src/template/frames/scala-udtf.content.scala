  def eval(text: String): Unit =
    if (text != null) text.split(" ").foreach(word => collect(word))