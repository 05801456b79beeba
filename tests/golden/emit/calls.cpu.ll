
define internal i32 @root.0(i64 %p0, double %p1, ptr %r0) nounwind uwtable alwaysinline {
b0:
  %o5.0 = alloca double
  %v4 = icmp slt i64 %p0, 0
  br i1 %v4, label %b1, label %b2
b1:
  %v5 = call i32 @inverse.1(double %p1, ptr %o5.0)
  %t0 = icmp ne i32 %v5, 0
  br i1 %t0, label %b1.raise1, label %b1.1
b1.raise1:
  ret i32 %v5
b1.1:
  %v6 = load double, ptr %o5.0
  br label %b3
b2:
  %v8 = call double @twice.2(double %p1)
  br label %b3
b3:
  %v11 = phi double [ %v6, %b1.1 ], [ %v8, %b2 ]
  store double %v11, ptr %r0
  ret i32 0
}

define internal i32 @inverse.1(double %p0, ptr %r0) nounwind uwtable {
b0:
  %v2 = fcmp oeq double %p0, 0x0000000000000000
  br i1 %v2, label %b1, label %b2
b1:
  ret i32 1
b2:
  %v5 = fdiv double 0x3FF0000000000000, %p0
  store double %v5, ptr %r0
  ret i32 0
}

define internal double @twice.2(double %p0) nounwind uwtable {
b0:
  %v2 = fadd double %p0, %p0
  ret double %v2
}

define i32 @naja.root.0(ptr noalias readonly %args, ptr noalias %ret) nounwind uwtable {
  %t0 = getelementptr inbounds i64, ptr %ret, i64 0
  %t1 = getelementptr inbounds i64, ptr %args, i64 0
  %t2 = load i64, ptr %t1
  %t3 = getelementptr inbounds i64, ptr %args, i64 1
  %t4 = load double, ptr %t3
  %t5 = call i32 @root.0(i64 %t2, double %t4, ptr %t0)
  ret i32 %t5
}

