
define internal void @kernel.0.r0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i64 %p1, i1 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, ptr %p10) nounwind uwtable alwaysinline {
b0:
  %v12 = add i32 %sr0, 0
  %v13 = sext i32 %v12 to i64
  %v14 = getelementptr inbounds float, ptr %p0, i64 %v13
  %v17 = getelementptr inbounds float, ptr %p10, i64 %v13
  br label %b1
b1:
  %v15 = load float, ptr %v14, align 4
  store float %v15, ptr %v17, align 4
  store i32 1, ptr %p6, align 4
  ret void
}

define internal void @kernel.0.r1(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i64 %p1, i1 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, ptr %p10) nounwind uwtable alwaysinline {
b0:
  %print26 = alloca i64, i32 5, align 8
  %v14 = add i32 %sr0, 0
  %v15 = sext i32 %v14 to i64
  %v16 = getelementptr inbounds float, ptr %p0, i64 %v15
  %v18 = getelementptr i8, ptr %dynshared, i64 0
  %v23 = getelementptr i8, ptr @kernel.0.r1_const23, i64 0
  br label %b1
b1:
  %v13 = load float, ptr %p10, align 4
  %v17 = atomicrmw fadd ptr %v16, float %v13 monotonic
  %v20 = atomicrmw max ptr %v18, i32 %v14 monotonic
  %t0 = cmpxchg ptr %v18, i32 0, i32 %v20 monotonic monotonic
  %v22 = extractvalue { i32, i1 } %t0, 0
  %v25 = load double, ptr %v23, align 8
  %t1 = getelementptr inbounds i64, ptr %print26, i64 0
  store float %v17, ptr %t1, align 8
  %t2 = getelementptr inbounds i64, ptr %print26, i64 1
  store ptr @nj_str0, ptr %t2, align 8
  %t3 = getelementptr inbounds i64, ptr %print26, i64 2
  store i64 3, ptr %t3, align 8
  %t4 = getelementptr inbounds i64, ptr %print26, i64 3
  store double %v25, ptr %t4, align 8
  %t5 = zext i1 %p2 to i64
  %t6 = getelementptr inbounds i64, ptr %print26, i64 4
  store i64 %t5, ptr %t6, align 8
  call void @nj_rt_print(ptr @nj_str2, ptr %print26)
  %v29 = load i32, ptr %p8, align 4
  %v30 = add i32 %v29, 1
  store i32 %v30, ptr %p8, align 4
  %v32 = icmp ne i32 %v22, 0
  %v33 = select i1 %v32, i32 1, i32 0
  %v34 = load i32, ptr %p7, align 4
  %v35 = add i32 %v34, %v33
  store i32 %v35, ptr %p7, align 4
  store i32 2, ptr %p6, align 4
  ret void
}

define internal i32 @kernel.0.r2(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i64 %p1, i1 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, ptr %p10) nounwind uwtable alwaysinline {
b0:
  br label %b1
b1:
  fence seq_cst
  %v14 = icmp sgt i32 %p9, 3
  br i1 %v14, label %b2, label %b3
b2:
  ret i32 1
b3:
  ret i32 0
}

define i32 @naja.kernel.0(ptr noalias readonly %args, ptr noalias %ctx) nounwind uwtable {
entry:
  %t0 = getelementptr inbounds i8, ptr %ctx, i64 12
  %sr3 = load i32, ptr %t0, !range !0
  %t1 = getelementptr inbounds i8, ptr %ctx, i64 16
  %sr4 = load i32, ptr %t1, !range !0
  %t2 = getelementptr inbounds i8, ptr %ctx, i64 20
  %sr5 = load i32, ptr %t2, !range !0
  %t3 = getelementptr inbounds i8, ptr %ctx, i64 24
  %sr6 = load i32, ptr %t3, !range !0
  %t4 = getelementptr inbounds i8, ptr %ctx, i64 28
  %sr7 = load i32, ptr %t4, !range !0
  %t5 = getelementptr inbounds i8, ptr %ctx, i64 32
  %sr8 = load i32, ptr %t5, !range !0
  %t6 = getelementptr inbounds i8, ptr %ctx, i64 36
  %sr9 = load i32, ptr %t6, !range !0
  %t7 = getelementptr inbounds i8, ptr %ctx, i64 40
  %sr10 = load i32, ptr %t7, !range !0
  %t8 = getelementptr inbounds i8, ptr %ctx, i64 44
  %sr11 = load i32, ptr %t8, !range !0
  %t9 = getelementptr inbounds i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %t9
  %t10 = getelementptr inbounds i8, ptr %ctx, i64 56
  %dynshared = load ptr, ptr %t10
  %t11 = getelementptr inbounds i64, ptr %args, i64 0
  %t12 = load ptr, ptr %t11
  %t13 = getelementptr inbounds i64, ptr %args, i64 1
  %t14 = load i64, ptr %t13
  %t15 = getelementptr inbounds i64, ptr %args, i64 2
  %t16 = load i8, ptr %t15
  %t17 = icmp ne i8 %t16, 0
  %t18 = getelementptr inbounds i8, ptr %ctx, i64 80
  %frame = load ptr, ptr %t18
  %n0 = zext nneg i32 %sr6 to i64
  %n1 = zext nneg i32 %sr7 to i64
  %n2 = zext nneg i32 %sr8 to i64
  %n01 = mul nuw nsw i64 %n0, %n1
  %n = mul nuw nsw i64 %n01, %n2
  %n.up = add nuw nsw i64 %n, 15
  %stride = and i64 %n.up, -16
  %next = alloca i32
  %count = alloca i32
  %arrived = alloca i32
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  %shared0 = getelementptr inbounds i8, ptr %shared, i64 0
  br label %r0
r0:
  %t19 = load i32, ptr %count
  %t20 = load i32, ptr %arrived
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  br label %r0.loop.z
r0.loop.z:
  %r0.z = phi i32 [ 0, %r0 ], [ %r0.next.z, %r0.latch.z ]
  %r0.z64 = zext nneg i32 %r0.z to i64
  %r0.plane = mul nuw nsw i64 %r0.z64, %n1
  br label %r0.loop.y
r0.loop.y:
  %r0.y = phi i32 [ 0, %r0.loop.z ], [ %r0.next.y, %r0.latch.y ]
  %r0.y64 = zext nneg i32 %r0.y to i64
  %r0.rows = add nuw nsw i64 %r0.plane, %r0.y64
  %r0.row = mul nuw nsw i64 %r0.rows, %n0
  br label %r0.loop.x
r0.loop.x:
  %r0.x = phi i32 [ 0, %r0.loop.y ], [ %r0.next.x, %r0.latch.x ]
  %r0.x64 = zext nneg i32 %r0.x to i64
  %r0.line = add nuw nsw i64 %r0.row, %r0.x64
  call void @kernel.0.r0(ptr %ctx, i32 %r0.x, i32 %r0.y, i32 %r0.z, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i64 %t14, i1 %t17, ptr %frame, i64 %r0.line, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 0, ptr %shared0)
  br label %r0.latch.x
r0.latch.x:
  %r0.next.x = add nuw nsw i32 %r0.x, 1
  %r0.more.x = icmp slt i32 %r0.next.x, %sr6
  br i1 %r0.more.x, label %r0.loop.x, label %r0.latch.y
r0.latch.y:
  %r0.next.y = add nuw nsw i32 %r0.y, 1
  %r0.more.y = icmp slt i32 %r0.next.y, %sr7
  br i1 %r0.more.y, label %r0.loop.y, label %r0.latch.z
r0.latch.z:
  %r0.next.z = add nuw nsw i32 %r0.z, 1
  %r0.more.z = icmp slt i32 %r0.next.z, %sr8
  br i1 %r0.more.z, label %r0.loop.z, label %r0.done
r0.done:
  br label %r1
r1:
  %t21 = load i32, ptr %count
  %t22 = load i32, ptr %arrived
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  br label %r1.loop.z
r1.loop.z:
  %r1.z = phi i32 [ 0, %r1 ], [ %r1.next.z, %r1.latch.z ]
  %r1.z64 = zext nneg i32 %r1.z to i64
  %r1.plane = mul nuw nsw i64 %r1.z64, %n1
  br label %r1.loop.y
r1.loop.y:
  %r1.y = phi i32 [ 0, %r1.loop.z ], [ %r1.next.y, %r1.latch.y ]
  %r1.y64 = zext nneg i32 %r1.y to i64
  %r1.rows = add nuw nsw i64 %r1.plane, %r1.y64
  %r1.row = mul nuw nsw i64 %r1.rows, %n0
  br label %r1.loop.x
r1.loop.x:
  %r1.x = phi i32 [ 0, %r1.loop.y ], [ %r1.next.x, %r1.latch.x ]
  %r1.x64 = zext nneg i32 %r1.x to i64
  %r1.line = add nuw nsw i64 %r1.row, %r1.x64
  call void @kernel.0.r1(ptr %ctx, i32 %r1.x, i32 %r1.y, i32 %r1.z, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i64 %t14, i1 %t17, ptr %frame, i64 %r1.line, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 0, ptr %shared0)
  br label %r1.latch.x
r1.latch.x:
  %r1.next.x = add nuw nsw i32 %r1.x, 1
  %r1.more.x = icmp slt i32 %r1.next.x, %sr6
  br i1 %r1.more.x, label %r1.loop.x, label %r1.latch.y
r1.latch.y:
  %r1.next.y = add nuw nsw i32 %r1.y, 1
  %r1.more.y = icmp slt i32 %r1.next.y, %sr7
  br i1 %r1.more.y, label %r1.loop.y, label %r1.latch.z
r1.latch.z:
  %r1.next.z = add nuw nsw i32 %r1.z, 1
  %r1.more.z = icmp slt i32 %r1.next.z, %sr8
  br i1 %r1.more.z, label %r1.loop.z, label %r1.done
r1.done:
  br label %r2
r2:
  %t23 = load i32, ptr %count
  %t24 = load i32, ptr %arrived
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  br label %r2.loop.z
r2.loop.z:
  %r2.z = phi i32 [ 0, %r2 ], [ %r2.next.z, %r2.latch.z ]
  %r2.z64 = zext nneg i32 %r2.z to i64
  %r2.plane = mul nuw nsw i64 %r2.z64, %n1
  br label %r2.loop.y
r2.loop.y:
  %r2.y = phi i32 [ 0, %r2.loop.z ], [ %r2.next.y, %r2.latch.y ]
  %r2.y64 = zext nneg i32 %r2.y to i64
  %r2.rows = add nuw nsw i64 %r2.plane, %r2.y64
  %r2.row = mul nuw nsw i64 %r2.rows, %n0
  br label %r2.loop.x
r2.loop.x:
  %r2.x = phi i32 [ 0, %r2.loop.y ], [ %r2.next.x, %r2.latch.x ]
  %r2.x64 = zext nneg i32 %r2.x to i64
  %r2.line = add nuw nsw i64 %r2.row, %r2.x64
  %t25 = call i32 @kernel.0.r2(ptr %ctx, i32 %r2.x, i32 %r2.y, i32 %r2.z, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i64 %t14, i1 %t17, ptr %frame, i64 %r2.line, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 %t23, ptr %shared0)
  %t26 = icmp ne i32 %t25, 0
  br i1 %t26, label %fail.t27, label %r2.latch.x
fail.t27:
  %t28 = getelementptr inbounds i8, ptr %ctx, i64 0
  store i32 %r2.x, ptr %t28
  %t29 = getelementptr inbounds i8, ptr %ctx, i64 4
  store i32 %r2.y, ptr %t29
  %t30 = getelementptr inbounds i8, ptr %ctx, i64 8
  store i32 %r2.z, ptr %t30
  ret i32 %t25
r2.latch.x:
  %r2.next.x = add nuw nsw i32 %r2.x, 1
  %r2.more.x = icmp slt i32 %r2.next.x, %sr6
  br i1 %r2.more.x, label %r2.loop.x, label %r2.latch.y
r2.latch.y:
  %r2.next.y = add nuw nsw i32 %r2.y, 1
  %r2.more.y = icmp slt i32 %r2.next.y, %sr7
  br i1 %r2.more.y, label %r2.loop.y, label %r2.latch.z
r2.latch.z:
  %r2.next.z = add nuw nsw i32 %r2.z, 1
  %r2.more.z = icmp slt i32 %r2.next.z, %sr8
  br i1 %r2.more.z, label %r2.loop.z, label %r2.done
r2.done:
  br label %finish
finish:
  ret i32 0
}

@kernel.0.r1_const23 = internal constant [8 x i8] c"\00\00\00\00\00\00\F0?", align 16
@nj_str0 = internal constant [4 x i8] c"and\00"
declare void @nj_rt_print(ptr, ptr) nounwind
@nj_str2 = internal constant [5 x i8] c"gsfb\00"
!0 = !{i32 0, i32 2147483647}
