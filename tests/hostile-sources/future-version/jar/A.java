package acme;
public class A {}
