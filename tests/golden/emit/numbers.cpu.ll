
define internal void @numbers.0(double %p0, float %p1, i32 %p2, i64 %p3, i1 %p4, ptr %r0, ptr %r1, ptr %r2, ptr %r3, ptr %r4, ptr %r5, ptr %r6) nounwind uwtable alwaysinline {
b0:
  %v6 = fneg double %p0
  %v7 = frem float %p1, 0x4008000000000000
  %t0 = fptosi double %p0 to i64
  %v8 = freeze i64 %t0
  %t2 = fcmp oge double %p0, 0x43E0000000000000
  %t3 = fsub double %p0, 0x43E0000000000000
  %t4 = select i1 %t2, double %t3, double %p0
  %t6 = fptosi double %t4 to i64
  %t1 = freeze i64 %t6
  %t5 = select i1 %t2, i64 -9223372036854775808, i64 0
  %v9 = xor i64 %t1, %t5
  %t8 = fptosi float %p1 to i32
  %t7 = freeze i32 %t8
  %v10 = trunc i32 %t7 to i8
  %t9 = call i32 @llvm.cttz.i32(i32 %p2, i1 false)
  %t10 = add i32 %t9, 1
  %t11 = icmp eq i32 %p2, 0
  %v11 = select i1 %t11, i32 0, i32 %t10
  %v12 = call i32 @llvm.ctlz.i32(i32 %v11, i1 false)
  %v13 = call i32 @llvm.ctpop.i32(i32 %v12)
  %v14 = add i64 -9223372036854775808, 0
  %v15 = add i64 %v8, %v14
  %v16 = call double @sin(double %v6) nounwind willreturn memory(none) VARIANTS
  %v17 = call double @llvm.sqrt.f64(double %v16)
  %v18 = call double @pow(double %v17, double 0x4004000000000000) nounwind willreturn memory(none) VARIANTS
  %v19 = fadd float %v7, 0x7FF0000000000000
  %v20 = fcmp uno float %v19, %p1
  %v21 = and i1 %v20, %p4
  %v23 = sub i64 %v15, %p3
  store double %v18, ptr %r0
  store float %v19, ptr %r1
  store i64 %v23, ptr %r2
  store i64 %v9, ptr %r3
  store i8 %v10, ptr %r4
  store i32 %v13, ptr %r5
  %t12 = zext i1 %v21 to i8
  store i8 %t12, ptr %r6
  ret void
}

define i32 @naja.numbers.0(ptr noalias readonly %args, ptr noalias %ret) nounwind uwtable {
  %t0 = getelementptr inbounds i64, ptr %ret, i64 0
  %t1 = getelementptr inbounds i64, ptr %ret, i64 1
  %t2 = getelementptr inbounds i64, ptr %ret, i64 2
  %t3 = getelementptr inbounds i64, ptr %ret, i64 3
  %t4 = getelementptr inbounds i64, ptr %ret, i64 4
  %t5 = getelementptr inbounds i64, ptr %ret, i64 5
  %t6 = getelementptr inbounds i64, ptr %ret, i64 6
  %t7 = getelementptr inbounds i64, ptr %args, i64 0
  %t8 = load double, ptr %t7
  %t9 = getelementptr inbounds i64, ptr %args, i64 1
  %t10 = load float, ptr %t9
  %t11 = getelementptr inbounds i64, ptr %args, i64 2
  %t12 = load i32, ptr %t11
  %t13 = getelementptr inbounds i64, ptr %args, i64 3
  %t14 = load i64, ptr %t13
  %t15 = getelementptr inbounds i64, ptr %args, i64 4
  %t16 = load i8, ptr %t15
  %t17 = icmp ne i8 %t16, 0
  call void @numbers.0(double %t8, float %t10, i32 %t12, i64 %t14, i1 %t17, ptr %t0, ptr %t1, ptr %t2, ptr %t3, ptr %t4, ptr %t5, ptr %t6)
  ret i32 0
}

declare i32 @llvm.cttz.i32(i32, i1)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i32 @llvm.ctpop.i32(i32)
declare double @sin(double) nounwind willreturn memory(none)
declare double @llvm.sqrt.f64(double)
declare double @pow(double, double) nounwind willreturn memory(none)
