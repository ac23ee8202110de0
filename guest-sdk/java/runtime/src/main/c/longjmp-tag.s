# The tag of the exceptions that longjmp is made of.
	.tagtype	__c_longjmp i32
	.globl	__c_longjmp
__c_longjmp:
