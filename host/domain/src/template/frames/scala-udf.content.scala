  def eval(text: String): String =
    if (text == null) null else text.trim.toLowerCase